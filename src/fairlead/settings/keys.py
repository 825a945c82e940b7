"""Every key of fairlead.yaml: the one table from which parser, schema and documentation come.

Defaults are those of core.model; a key only names its field there.
"""

from __future__ import annotations

from typing import Any

from fairlead.core.model import (
    Balance,
    CheckKind,
    Cluster,
    FixedEndpoint,
    Locality,
    Route,
    Service,
)
from fairlead.core.scaling.schedules import may_sleep
from fairlead.settings import words
from fairlead.settings.dns_keys import DNS, DNS_OF_SERVICE
from fairlead.settings.groups import Either, ListOf, MapOf
from fairlead.settings.nodes_keys import NODES
from fairlead.settings.numbers import Duration, Integer, Number, Size
from fairlead.settings.scale_keys import SCALE
from fairlead.settings.sections import Fields, Key, Section
from fairlead.settings.texts import Choice, Flag, Literal, Written

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_SERVICE = Service("")
COOKIE_OF_SERVICE = "fairlead-{service}"


def _as_endpoint(fields: Fields) -> FixedEndpoint:
    plain = fields["address"]
    return FixedEndpoint(plain.host, plain.port, fields.get("weight", plain.weight))


def _open_hooks(hooks: Fields) -> str:
    """Whoever reaches the listener could take endpoints out of use."""
    bare = not hooks["hooks.listen"].startswith("127.") and "hooks.token_file" not in hooks
    return "off loopback a token_file is needed" if bare else ""


def _open_controller(controller: Fields) -> str:
    """Whoever reaches the listener would learn of every endpoint, and could vote on its health."""
    listen, token = controller["controller.listen"], "controller.token_file" in controller
    return "off loopback a token_file is needed" if not (listen.startswith("127.") or token) else ""


def _key_has_use(balance: Fields) -> str:
    """A key that does nothing is a mistake."""
    idle = "traffic.hash_key" in balance and balance["traffic.balance"] != Balance.HASH
    return "key is of use only with kind: hash" if idle else ""


def _locality_has_use(service: Fields) -> str:
    """Others than p2c do not look at load, or have the distance in what they look at."""
    balance = service.get("traffic.balance", Balance.P2C)
    prefers = service.get("traffic.locality") is Locality.PREFER_NODE
    idle = prefers and balance is not Balance.P2C
    return f"locality: prefer-node works with balance: p2c, not with {balance}" if idle else ""


def _first_count_fits(service: Fields) -> str:
    scale, first = service.get("scale"), service.get("replicas")
    if scale is None or first is None or scale.min <= first <= scale.max:
        return ""
    return f"replicas: {first} is not within scale, which has min {scale.min} and max {scale.max}"


def _what_fits(service: Fields) -> str:
    return _locality_has_use(service) or _first_count_fits(service)


def _with_first_count(service: Fields) -> Fields:
    """A service that may sleep is started all the same, to see that it can; what wakes it is held
    for as long as its start may take."""
    scale = service.get("scale")
    if scale is None:
        return service
    start = service.get("health.start_timeout", _SERVICE.health.start_timeout)
    held = {"traffic.hold": start} if may_sleep(scale) else {}
    return {"replicas": max(scale.min, 1), **held, **service}


def _as_env(variables: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Sorted: the order in the file means nothing, and must not roll a service."""
    return tuple(sorted(variables.items()))


_OF_NGINX = {"front.workers": "workers", "front.access_log": "access_log"}
_OF_PLAIN = ("upstreams", "binary", "reload", "confirm", "servers", "debounce")


def _proxy_has_use(proxy: Fields) -> str:
    """A key that does nothing is a mistake."""
    if proxy.get("proxy", "nginx") == "plain":
        idle = [name for field, name in _OF_NGINX.items() if field in proxy]
        return f"{idle[0]} is the plain nginx's own, in its nginx.conf" if idle else ""
    idle = [name for name in _OF_PLAIN if f"plain.{name}" in proxy]
    return f"{idle[0]} is of use only with kind: plain" if idle else ""


_ARGV = ListOf(Written("a word of the command", 4096), "words: [program, argument]", 100)
_PROXY = Section(
    (
        Key(
            "kind",
            Choice(("nginx", "plain")),
            "`nginx`: fairlead's own, with Lua, never reloaded. `plain`: one without Lua that "
            "somebody else runs; see plain-nginx.md.",
            "proxy",
        ),
        Key(
            "upstreams",
            words.FILE,
            "The file that fairlead writes for a plain nginx, which its http block includes.",
            "plain.upstreams",
        ),
        Key(
            "binary",
            _ARGV,
            "The plain nginx's program, with the options that it was started with.",
            "plain.binary",
        ),
        Key(
            "reload",
            _ARGV,
            "What makes it reload, such as `[systemctl, reload, nginx]`.",
            "plain.reload",
            default="the binary with `-s reload`",
        ),
        Key(
            "confirm",
            words.LOOPBACK,
            "Where it says which writing of the file it serves: so a reload is confirmed.",
            "plain.confirm",
        ),
        Key(
            "servers",
            Flag(),
            "Write server blocks for the routes too, not only upstreams.",
            "plain.servers",
        ),
        Key("debounce", Duration(0.01, _HOUR), "Least time between two reloads.", "plain.debounce"),
        Key(
            "workers",
            Either((Literal("auto", 0), Integer(1, 64))),
            "nginx worker processes; auto is one a core.",
            "front.workers",
        ),
        Key(
            "max_body",
            Size(1, 1 << 40),
            "Largest request body; a larger one gets 413.",
            "front.max_body",
        ),
        Key(
            "keepalive",
            Duration(0.001, _HOUR),
            "How long an idle connection to an endpoint is kept. Keep it below the endpoints' own "
            "idle timeout, or a request meets a connection that is just being closed.",
            "front.keepalive",
        ),
        Key("access_log", Flag(), "Write a line for each request.", "front.access_log"),
    ),
    rule=_proxy_has_use,
)

_ROUTE = Section(
    (
        Key("host", words.HOST, "Host; `*.example.com` is any one label, `*` any host.", "host",
            required=True),
        Key("path", words.PATH, "Path prefix, of whole segments.", "path"),
        Key("strip", Flag(), "Take the prefix off before the endpoint sees the path.", "strip"),
    ),
    model=Route(""),
    make=lambda fields: Route(**fields),
)  # fmt: skip

_ENDPOINT = Section(
    (
        Key("address", words.ADDRESS, "`host:port`, an IPv4 address or a name.", "address",
            required=True),
        Key("weight", Integer(1, 100), "Share of requests against the other endpoints.", "weight"),
    ),
    model=FixedEndpoint("", 0),
    make=_as_endpoint,
)  # fmt: skip

_HEALTH = Section(
    (
        Key(
            "path",
            words.REQUEST_PATH,
            "Check over HTTP: GET this path. Without path or command a check is a TCP connect.",
            "health.path",
            default="none",
            excludes=("tcp", "command"),
            implies=(("health.kind", CheckKind.HTTP),),
        ),
        Key(
            "tcp",
            Literal(True, CheckKind.TCP),
            "Check by a TCP connect, said aloud.",
            "health.kind",
            default="true without path and command",
            excludes=("command",),
        ),
        Key(
            "command",
            ListOf(Written("a word of the command", 4096), "words: [program, argument]", 100),
            "Check by a program: argv, never a shell. Exit status 0 passes.",
            "health.command",
            default="none",
            implies=(("health.kind", CheckKind.COMMAND),),
        ),
        Key(
            "status",
            ListOf(words.Statuses(), "statuses", 50, single=True, make=words.merged),
            "HTTP statuses that pass.",
            "health.statuses",
            needs="path",
        ),
        Key(
            "host",
            words.HEADER_HOST,
            "Host header of the check.",
            "health.host",
            default="the endpoint's address",
            needs="path",
        ),
        Key("interval", Duration(0.01, _HOUR), "Time between checks.", "health.interval"),
        Key("timeout", Duration(0.001, 300), "Time a check may take.", "health.timeout"),
        Key("rise", Integer(1, 100), "Passes in a row that make an endpoint ready.", "health.rise"),
        Key("fall", Integer(1, 100), "Failures in a row that make it unhealthy.", "health.fall"),
        Key(
            "jitter",
            Number(0, 1),
            "Share by which intervals vary, so that checks do not march in step.",
            "health.jitter",
        ),
        Key(
            "start_interval",
            Duration(0.01, _MINUTE),
            "Time between checks until the first pass.",
            "health.start_interval",
        ),
        Key(
            "start_timeout",
            Duration(0.1, _HOUR),
            "Time until the first pass; an endpoint that takes longer is given up.",
            "health.start_timeout",
        ),
    )
)

_BALANCE_KIND = Choice(tuple(Balance), Balance)
_BALANCE = Section(
    (
        Key("kind", _BALANCE_KIND, "As `balance` alone.", "traffic.balance", required=True),
        Key(
            "key",
            words.HASH_KEY,
            "What `hash` looks at: `ip`, `uri`, `header:NAME` or `cookie:NAME`.",
            "traffic.hash_key",
        ),
    ),
    rule=_key_has_use,
)

_DRAIN = Section(
    (
        Key(
            "timeout",
            Duration(0, _DAY),
            "Longest wait for the requests in flight of an endpoint that leaves.",
            "drain_timeout",
        ),
    )
)

_ROLL = Section(
    (
        Key("surge", Integer(1, 100), "Endpoints above `replicas` while rolling.", "roll.surge"),
        Key("parallel", Integer(1, 100), "Endpoints replaced at a time.", "roll.parallel"),
    )
)

_DOCKER = Section(
    (
        Key(
            "host",
            words.ENGINE,
            "The engine's socket: `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`.",
            "docker.host",
            default="DOCKER_HOST, or the engine's usual socket",
        ),
        Key(
            "discover",
            Flag(),
            "Serve containers that others started and labelled, too.",
            "docker.discover",
        ),
    )
)

_ECS = Section(
    (
        Key("cluster", words.ECS_CLUSTER, "The ECS cluster's name or ARN.", "ecs.cluster",
            default="the `cluster` above"),
        Key("region", words.REGION, "Its region.", "ecs.region", default="as AWS's tools find it"),
        Key("profile", words.PROFILE, "A profile of AWS's configuration files.", "ecs.profile",
            default="as AWS's tools find it"),
        Key("queue", words.QUEUE, "URL of an SQS queue of task state change events.", "ecs.queue",
            default="none: ECS is only polled"),
        Key("interval", Duration(0.5, _HOUR), "Time between reads of the cluster.", "ecs.interval"),
        Key("addresses", Choice(("private", "public")), "Which addresses of the nodes are used.",
            "ecs.addresses"),
        Key("discover", Flag(), "Serve services whose containers are labelled, too.",
            "ecs.discover"),
        Key("nodes", NODES, "The auto scaling group that the nodes are of: the controller has "
            "their number follow what is wanted.", default="none: their number is left alone"),
    )
)  # fmt: skip

_HOOKS = Section(
    (
        Key("listen", Either((words.LISTEN_PORT, words.LISTENER)),
            "Where `fairlead hook`, the sidecar of a task, asks for its drain.", "hooks.listen",
            required=True),
        Key("token_file", words.DIRECTORY, "A file with the token that it has to show.",
            "hooks.token_file", default="none: allowed on loopback only"),
    ),
    rule=_open_hooks,
)  # fmt: skip

_CONTROLLER = Section(
    (
        Key("listen", Either((words.LISTEN_PORT, words.LISTENER)),
            "Where agents reach the controller.", "controller.listen", required=True),
        Key("token_file", words.DIRECTORY, "A file with the token that agents have to show.",
            "controller.token_file", default="none: allowed on loopback only"),
        Key("lease", words.LEASE,
            "Where several controllers agree on who leads: a file, or dynamodb:TABLE, or "
            "dynamodb:REGION/TABLE.",
            "controller.lease", default="lease.json in the state directory"),
    ),
    rule=_open_controller,
)  # fmt: skip

_AGENT = Section(
    (
        Key("controllers",
            ListOf(words.CONTROLLER, "URLs: [ws://10.0.1.100:7700]", 16, single=True),
            "The controllers, in the order in which they are tried.", "agent.controllers",
            required=True),
        Key("token_file", words.DIRECTORY, "A file with the token that the controller wants.",
            "agent.token_file", default="none"),
        Key("node", words.NODE, "This node's id, as the platform calls it.", "agent.node",
            default="on ECS the EC2 instance's id, else the host's name"),
        Key("orphan_after", Duration(1, _DAY),
            "Without a controller for so long, the agent reads the platform itself.",
            "agent.orphan_after"),
        Key("orphan_interval", Duration(5, _HOUR), "How often it does so then, with jitter.",
            "agent.orphan_interval"),
        Key("leave_timeout", Duration(0, _HOUR),
            "Asked to end, it waits so long for the controller to say that DNS names the node no "
            "more.", "agent.leave_timeout"),
    ),
)  # fmt: skip

_ONLY_RUN = ("endpoints", "service")
SERVICE = Section(
    (
        Key(
            "run",
            ListOf(Written("an argument", 4096), "arguments: [python, app.py, …]", 1000),
            "Program and arguments, never a shell. `{port}` and the variable `PORT` hold the port.",
            "run",
            default="none",
            excludes=_ONLY_RUN,
        ),
        Key(
            "image",
            words.IMAGE,
            "Container image (platform docker); `run` is the container's command then.",
            "container.image",
            default="none",
            excludes=_ONLY_RUN,
        ),
        Key(
            "service",
            words.ECS_NAME,
            "The ECS service's name (platform ecs): ECS runs its copies and keeps their count.",
            "container.task_service",
            default="none",
            excludes=("endpoints",),
        ),
        Key(
            "port",
            Integer(1, 65535),
            "Port inside the container.",
            "container.port",
            default="the only one that it exposes",
            excludes=("endpoints",),
        ),
        Key(
            "network",
            words.NETWORK,
            "A Docker network on which endpoints are reached; without it, at a published port.",
            "container.network",
            default="none",
            needs="image",
        ),
        Key(
            "container",
            words.ECS_NAME,
            "The container of the task that takes the requests.",
            "container.name",
            default="the only one with a port",
            needs="service",
        ),
        Key(
            "endpoints",
            ListOf(
                Either((words.ADDRESS, _ENDPOINT)),
                'endpoints: ["10.0.0.5:8080"]',
                10_000,
                distinct="endpoint",
                identity=lambda endpoint: f"{endpoint.host}:{endpoint.port}",
            ),
            "Endpoints that somebody else runs: checked, balanced and drained all the same.",
            "endpoints",
            default="none",
        ),
        Key("replicas", Integer(0, 1000), "How many to run.", "replicas", excludes=_ONLY_RUN),
        Key(
            "routes",
            ListOf(
                Either((words.ROUTE, _ROUTE)),
                "routes: [shop.example.com]",
                1000,
                least=0,
                distinct="route",
                scope="routes",
                identity=str,
            ),
            "Hosts and path prefixes that lead here. The longest path of the exact host wins, then "
            "that of a wildcard, then that of `*`.",
            "routes",
        ),
        Key(
            "env",
            MapOf(
                words.VARIABLE,
                Written("a text, number, true or false", 1 << 17),
                "variables: {NAME: value}",
                1000,
                _as_env,
            ),
            "Environment, added to fairlead's own. Values are taken as written: 010 stays 010.",
            "env",
            default="none",
            excludes=_ONLY_RUN,
        ),
        Key(
            "cwd",
            words.DIRECTORY,
            "Working directory, relative to the settings file.",
            "cwd",
            default="the directory of the settings file",
            excludes=_ONLY_RUN,
        ),
        Key(
            "dns",
            DNS_OF_SERVICE,
            "false: do not name the routes' hosts. A mapping: keep them as it says, with the keys "
            "of the cluster's `dns`, of which it takes nothing over.",
            default="as the cluster's `dns`",
        ),
        Key("health", _HEALTH, "How an endpoint shows that it can serve."),
        Key(
            "balance",
            Either((_BALANCE_KIND, _BALANCE)),
            "How requests are spread. p2c: of two random endpoints the one with fewer in flight.",
            "traffic.balance",
        ),
        Key(
            "locality",
            Choice(tuple(Locality), Locality),
            "prefer-node: a node's nginx sends to endpoints of its own node, and to others once "
            "those are busier by 4 requests in flight per weight, or none is up. Only with p2c.",
            "traffic.locality",
        ),
        Key(
            "sticky",
            Either((Literal(False, ""), Literal(True, COOKIE_OF_SERVICE), words.COOKIE)),
            "Keep a client on its endpoint by a cookie: true names it `fairlead-SERVICE`.",
            "traffic.sticky",
        ),
        Key(
            "slow_start",
            Duration(0, _HOUR),
            "Time over which a ready endpoint's share grows to its full weight.",
            "traffic.slow_start",
        ),
        Key(
            "hold",
            Duration(0, _HOUR),
            "Time a request waits while no endpoint is up, before it gets 503. With `scale.min: 0` "
            "it is `health.start_timeout` unless given.",
            "traffic.hold",
        ),
        Key(
            "retries",
            Integer(0, 10),
            "Further endpoints tried after a connection failed.",
            "traffic.retries",
        ),
        Key(
            "timeout",
            Duration(0.001, _DAY),
            "Longest wait between two reads from, or writes to, an endpoint.",
            "traffic.timeout",
        ),
        Key(
            "connect_timeout",
            Duration(0.001, _MINUTE),
            "Longest wait for a connection to an endpoint.",
            "traffic.connect_timeout",
        ),
        Key("stream", Flag(), "Pass bodies on as they come, both ways.", "traffic.stream"),
        Key("drain", _DRAIN, "How an endpoint leaves."),
        Key(
            "stop_timeout",
            Duration(0, _HOUR),
            "Time between SIGTERM and SIGKILL.",
            "stop_timeout",
            excludes=_ONLY_RUN,
        ),
        Key("roll", _ROLL, "How a changed service is replaced.", excludes=_ONLY_RUN),
        Key(
            "scale",
            SCALE,
            "How the count follows the load; `replicas` is only the first count then.",
            "scale",
            default="not scaled",
            excludes=("endpoints",),
        ),
    ),
    model=_SERVICE,
    any_of=("run", "image", "service", "endpoints"),
    make=_with_first_count,
    rule=_what_fits,
)


def _as_pairs(services: dict[str, Any]) -> tuple[tuple[str, Fields], ...]:
    return tuple(services.items())


ROOT = Section(
    (
        Key("cluster", words.NAME, "The cluster's name, for status and metrics.", "name"),
        Key(
            "platform",
            Choice(("process", "docker", "ecs")),
            "What runs endpoints.",
            "platform",
        ),
        Key(
            "listen",
            ListOf(
                Either((words.LISTEN_PORT, words.LISTENER)),
                "such",
                16,
                single=True,
                distinct="listener",
            ),
            "Where nginx listens; a port alone is on 127.0.0.1, `0.0.0.0:80` is on all addresses.",
            "front.listen",
        ),
        Key("ports", words.PORTS, "Ports that endpoints get, the last included.", "ports"),
        Key("proxy", _PROXY, "Which nginx, and its own settings."),
        Key("docker", _DOCKER, "The Docker engine (platform docker)."),
        Key("ecs", _ECS, "The ECS cluster (platform ecs)."),
        Key("hooks", _HOOKS, "For the sidecars of tasks (platform ecs)."),
        Key("controller", _CONTROLLER, "For fairlead controller: one a cluster of many nodes."),
        Key("agent", _AGENT, "For fairlead agent: one a node."),
        Key("dns", DNS, "Records that name every node that can serve."),
        Key(
            "services",
            MapOf(words.NAME, SERVICE, "services: {NAME: {run: [...]}}", 5000, _as_pairs),
            "The services, by name.",
            "services",
            default="those that are discovered",
        ),
    ),
    model=Cluster(),
)
