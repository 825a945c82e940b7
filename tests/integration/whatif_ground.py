"""A model as it is foretold, and as the local ECS and a real nginx a node make it; where they
differ is told. The DNS answers are those that each kind of naming makes of what the API says."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fairlead.core.ecs.model import RUNNING, STOPPED, Instance, Task
from fairlead.core.whatif.deploy import deploy
from fairlead.core.whatif.follow import Answers, Flow, answers, follow
from fairlead.core.whatif.model import Kind, Model, Wanted, Way
from fairlead.core.whatif.scene import Placed, Scene, each_scene, likeness, scaled
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import end_process, until
from tests.rehearsal.ground import rehearsal

APP = Path(__file__).with_name("whatif_app.py")
ASKED = 12
"""Requests a node and way: all shares of up to four servers in turn come out even."""
PROXY = 14080
PATIENCE = 60.0
LONG = 3600.0
FORGET = 6.0


@dataclass
class Real:
    """The local ECS with the model's services on it."""

    model: Model
    ecs: Rehearsal
    folder: Path
    proxied: Model
    dead: set[str] = field(default_factory=set)
    proxies: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def nodes(self) -> dict[str, Instance]:
        """By the name that they have in the model."""
        found = self.ecs.cluster.instances.values()
        return {each.arn: real for each, real in zip(self.model.nodes, found, strict=True)}

    async def begin(self) -> None:
        """First the counts of now, then those that are asked for: more before fewer."""
        for service in self.model.services:
            self._create(service)
        await self.settled()
        changed = [each for each in self.model.services if each.changed]
        for more in (True, False):
            for each in changed:
                if (each.count > each.before) is more:
                    self.update(each.name, desiredCount=each.count)
            await self.settled()

    def update(self, name: str, **what: Any) -> None:
        self.ecs.call("UpdateService", cluster=self.ecs.setting.cluster, service=name, **what)

    def define(self, service: Wanted) -> str:
        definition = service.definition
        (mapping,) = definition.containers[0].ports
        ports = [{"containerPort": mapping.container, "hostPort": mapping.host}]
        if definition.network != "bridge":
            ports = [{"containerPort": mapping.container}]
        task = {"networkMode": definition.network}
        argv = (sys.executable, "-I", "-S", str(APP), "{host}", "{port}")
        more: dict[str, Any] = {
            "cpu": definition.cpu,
            "memory": definition.memory,
            "portMappings": ports,
        }
        return self.ecs.define(service.name, *argv, task=task, stopTimeout=2, **more)

    def _create(self, service: Wanted) -> None:
        vpc = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        percents = {"minimumHealthyPercent": service.minimum, "maximumPercent": service.maximum}
        more: dict[str, Any] = {"deploymentConfiguration": percents}
        if service.definition.network == "awsvpc":
            more["networkConfiguration"] = vpc
        if service.daemon:
            more["schedulingStrategy"] = "DAEMON"
        more["placementConstraints"] = [{"type": each.kind} for each in service.constraints]
        if service.strategies:
            told = [{"type": each.kind, "field": each.field} for each in service.strategies]
            more["placementStrategy"] = told
        self.ecs.serve(service.name, self.define(service), service.before, **more)

    async def settled(self) -> None:
        """No task is between two states, a pass of the scheduler changes nothing, and what runs
        listens."""
        await until(self._still, lambda: str(self.states()), PATIENCE)
        for task in self.tasks():
            await until(lambda t=task: _listens(self.place_of(t)), task.id, PATIENCE)  # type: ignore[misc]

    async def _still(self) -> bool:
        before = self.states()
        if not set(before.values()) <= {RUNNING, STOPPED}:
            return False
        self.ecs.plane.wake()
        for _ in range(20):
            await asyncio.sleep(0)
        return self.states() == before

    def states(self) -> dict[str, str]:
        return {arn: task.last for arn, task in self.ecs.cluster.tasks.items()}

    def tasks(self) -> list[Task]:
        """Those that run, in the order in which the API lists them."""
        arns: list[str] = []
        for each in self.model.services:
            arns += self.ecs.call("ListTasks", cluster=self.ecs.setting.cluster,
                                  serviceName=each.name)["taskArns"]  # fmt: skip
        found = (self.ecs.cluster.tasks[arn] for arn in arns)
        return [task for task in found if task.last == RUNNING and task.desired == RUNNING]

    def place_of(self, task: Task) -> tuple[str, int]:
        if task.interface:
            return task.interface.address, 8080
        node = self.ecs.cluster.instances[task.instance]
        return node.address, task.containers[0].bindings[0].host

    def scene(self) -> Scene:
        """What runs, as the model has it."""
        names = {real.arn: name for name, real in self.nodes.items()}
        counted: Counter[str] = Counter()
        placed = []
        for task in self.tasks():
            counted[task.service] += 1
            placed.append(Placed(task.service, counted[task.service], names[task.instance]))
        return Scene(tuple(placed), (), frozenset(self.dead))

    def short(self) -> dict[str, int]:
        """By service: how many of its tasks are not there."""
        have = Counter(task.service for task in self.tasks())
        wanted = {name: s.desired for name, s in self.ecs.cluster.services.items()}
        return {name: n - have[name] for name, n in wanted.items() if n > have[name]}

    def said(self, service: str) -> set[str]:
        """Why it could not place tasks, without the nodes' names."""
        told = (event.message for event in self.ecs.cluster.services[service].events)
        return {_plain(each.partition(") ")[2]) for each in told if "unable to place" in each}

    def serve(self) -> None:
        """A proxy on every node."""
        for name, real in self.nodes.items():
            file = self.folder / f"{name}.conf"
            file.write_text(_conf(self, real, file))
            self.proxies[name] = subprocess.Popen(
                ["nginx", "-p", str(self.folder), "-c", str(file), "-e", f"{file}.log"],
                stderr=subprocess.DEVNULL,
            )

    async def serving(self) -> None:
        for real in self.nodes.values():
            await until(lambda r=real: _listens((r.address, PROXY)), real.address, PATIENCE)  # type: ignore[misc]

    async def close(self) -> None:
        for process in self.proxies.values():
            if process.poll() is None:
                end_process(process)

    def pause(self, seconds: float) -> None:
        """Tasks that start from now on stay PENDING for so long."""
        self.ecs.plane.site = replace(self.ecs.plane.site, pull=seconds)

    def stop(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self.ecs.call("StopTask", cluster=self.ecs.setting.cluster, task=task.arn)

    async def gone(self, tasks: list[Task]) -> None:
        ended = self.ecs.cluster.tasks
        await until(lambda: all(ended[t.arn].last == STOPPED for t in tasks), "ended", PATIENCE)

    async def resumed(self) -> None:
        """What was to stay PENDING is started."""
        self.pause(0.0)
        living = list(self.ecs.cluster.living())
        self.stop(task for task in living if task.last != RUNNING)
        await self.settled()

    async def lose_node(self, name: str) -> list[Task]:
        real = self.nodes[name]
        self.ecs.ledger.put(self.ecs.cluster, replace(real, status="INACTIVE"))
        self.dead.add(name)
        lost = [task for task in self.tasks() if task.instance == real.arn]
        self.stop(lost)
        if name in self.proxies:
            end_process(self.proxies[name])
        await self.gone(lost)
        return lost


def _conf(real: Real, node: Instance, file: Path) -> str:
    parts = [_server(real, node, number, way) for number, way in enumerate(real.proxied.ways)]
    http = "access_log off; keepalive_timeout 0;\n" + "\n".join(parts)
    return (
        f"daemon off; master_process off; pid {file}.pid; error_log {file}.log;\n"
        f"events {{ worker_connections 64; }}\nhttp {{ {http}\n}}\n"
    )


def _server(real: Real, node: Instance, number: int, way: Way) -> str:
    """One target is named by proxy_pass, several are an upstream: as people write it; but nginx
    forgets after a second, not after ten, that one did not answer."""
    places = [
        f"{node.address if t.kind is Kind.LOCAL else real.nodes[t.node].address}:{t.port}"
        for t in way.targets
    ]
    upstream, to = "", places[0]
    if len(places) > 1:
        to = f"up{number}"
        servers = " ".join(f"server {each} fail_timeout=1s;" for each in places)
        upstream = f"upstream {to} {{ {servers} }}\n"
    return (
        f"{upstream}server {{ listen {node.address}:{PROXY}; server_name {way.host};"
        f" location / {{ proxy_pass http://{to}; }} }}"
    )


async def _listens(place: tuple[str, int]) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(*place)
        writer.close()
        return True
    return False


async def ask(place: tuple[str, int], host: str) -> str:
    """The id of the container that answers, or empty."""
    try:
        reader, writer = await asyncio.open_connection(*place)
    except OSError:
        return ""
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return body.decode() if head.startswith(b"HTTP/1.1 200") else ""


Shares = dict[tuple[str, str, str], float]
"""By host, where the requests came in (a node, or `dns` for all that its answers name), and the
task that answered, empty for none."""


async def measured(real: Real, scene: Scene, known: Answers) -> Shares:
    found: Shares = {}
    for way in real.model.ways:
        for name, node in real.nodes.items():
            counted = await _counted(real, way, (node.address, PROXY), scene)
            for task, count in counted.items():
                found[way.host, name, task] = count / ASKED
        for name in known.nodes[way.host]:
            for (host, at, task), share in list(found.items()):
                if (host, at) == (way.host, name):
                    key = (way.host, "dns", task)
                    found[key] = found.get(key, 0.0) + share / len(known.nodes[way.host])
    return found


async def _counted(real: Real, way: Way, place: tuple[str, int], scene: Scene) -> Counter[str]:
    names = {t.containers[0].id: p.name for t, p in zip(real.tasks(), scene.tasks, strict=True)}
    services = {placed.name: placed.service for placed in scene.tasks}
    counted: Counter[str] = Counter()
    for _ in range(ASKED):
        task = names.get(await ask(place, way.host), "")
        counted[task if services.get(task) == way.service else ""] += 1
    return counted


def foretold(flows: Iterable[Flow]) -> Shares:
    """A wrong service's answer is as good as none."""
    found: Shares = {}
    for flow in flows:
        for entry in flow.entries:
            for end in entry.ends:
                key = (flow.way.host, entry.at, "" if end.why else end.task)
                found[key] = found.get(key, 0.0) + end.share
        whole = {**flow.shares, "": flow.failing}
        if not flow.unnamed:
            found.update({(flow.way.host, "dns", task): share for task, share in whole.items()})
    return found


def apart(what: str, wanted: Shares, got: Shares) -> Iterator[str]:
    """Where they differ by more than one request of an uneven turn."""
    for key in sorted({*wanted, *got}):
        one, other = wanted.get(key, 0.0), got.get(key, 0.0)
        none = min(one, other) < 1e-9 < max(one, other)
        if none or abs(one - other) > 1.5 / ASKED:
            yield f"{what}: {' '.join(key)}: foretold {one:.2f}, measured {other:.2f}"


def _plain(message: str) -> str:
    begin, mark, rest = message.partition("(container-instance ")
    return f"{begin}{mark}{rest.partition(')')[2]}"


async def differences(
    model: Model, folder: Path, chance: random.Random, proxied: Model | None = None
) -> list[str]:
    """Run it, and say where the model is wrong. `proxied`: proxies as in this one."""
    first = model.nodes[0]
    setting = {"memory": first.memory, "cpu": first.cpu, "interfaces": first.interfaces}
    async with AsyncExitStack() as stack:
        made = rehearsal(nodes=len(model.nodes), throttle=False, **setting)
        ecs = await stack.enter_async_context(made)
        real = Real(model, ecs, folder, proxied or model)
        stack.push_async_callback(real.close)
        await real.begin()
        found = list(placement(real))
        real.serve()
        await real.serving()
        found += await requests(real, "steady")
        found += await loss(real, chance)
        if not real.dead:
            found += await deploys(real, chance)
        return found


def placement(real: Real) -> Iterator[str]:
    """What runs is one of the outcomes, and what does not is told of in the same words."""
    scene, short = real.scene(), real.short()
    outcomes = each_scene(real.model)
    alike = [s for s in outcomes if likeness(real.model, s) == likeness(real.model, scene)]
    if not alike:
        got = sorted((t.service, t.node) for t in scene.tasks)
        yield f"placement: {got} is none of {len(outcomes)} outcomes"
        return
    counts = [s.missing for s in alike]
    if short not in counts:
        yield f"pending: foretold {counts}, there are {short}"
    told = {(p.service, _plain(p.why.message)) for s in alike for p in s.pending}
    for service in short:
        if not {(service, each) for each in real.said(service)} & told:
            yield f"reason: {service} says {real.said(service)}, foretold {told}"


async def requests(real: Real, what: str, known: Answers | None = None) -> list[str]:
    scene = real.scene()
    known = known or answers(real.model, scene)
    got = await measured(real, scene, known)
    return list(apart(what, foretold(follow(real.model, scene, known)), got))


async def loss(real: Real, chance: random.Random) -> list[str]:
    """Of a task or a node: before anything is replaced, and afterwards."""
    scene = real.scene()
    if not scene.tasks:
        return []
    known = answers(real.model, scene)
    real.pause(LONG)
    if len(real.model.nodes) > 1 and chance.random() < 0.5:
        what = chance.choice(real.model.nodes).arn
        await real.lose_node(what)
    else:
        number = chance.randrange(len(scene.tasks))
        what, lost = scene.tasks[number].name, real.tasks()[number]
        real.stop([lost])
        await real.gone([lost])
    found = await requests(real, f"{what} lost", known)
    await real.resumed()
    found += list(replaced(real, what))
    return found + await forgiven(real, f"{what} replaced")


async def forgiven(real: Real, what: str) -> list[str]:
    """When nginx has forgotten what did not answer."""
    until_when = time.monotonic() + FORGET
    while (found := await requests(real, what)) and time.monotonic() < until_when:
        await asyncio.sleep(0.2)
    return found


def replaced(real: Real, what: str) -> Iterator[str]:
    """ECS has brought back what there is place for: of every service as many as can be."""
    scene = real.scene()
    for service in real.model.services:
        more = next(scaled(real.model, scene, service, service.count))
        missing = len(more.of(service.name)) - len(scene.of(service.name))
        if missing:
            yield f"{what} replaced: {missing} more of {service.name} have place"


async def deploys(real: Real, chance: random.Random) -> list[str]:
    """A new revision: whether it comes to its end, and how few are up meanwhile."""
    scene = real.scene()
    service = chance.choice(real.model.services)
    expected = {_told(real.model, scene, service, n) for n in range(12)}
    least = [len(scene.of(service.name))]

    def watch(*_: object) -> None:
        least.append(len([t for t in real.tasks() if t.service == service.name]))

    real.ecs.ledger.listeners.append(watch)
    real.update(service.name, taskDefinition=real.define(service))
    await real.settled()
    real.ecs.ledger.listeners.remove(watch)
    now = real.ecs.cluster.services[service.name]
    own = [t for t in real.ecs.cluster.of_service(service.name) if t.desired == RUNNING]
    done = all(t.deployment == now.primary.id for t in own) and len(own) >= now.desired
    if (done, min(least)) in expected:
        return []
    return [f"deploy of {service.name}: foretold {expected}, ends {done}, least {min(least)}"]


def _told(model: Model, scene: Scene, service: Wanted, seed: int) -> tuple[bool, int]:
    found = deploy(model, scene, service.name, random.Random(seed))
    return found.completes, min([found.least, len(scene.of(service.name))])
