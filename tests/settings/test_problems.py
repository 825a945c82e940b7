# ruff: noqa: E501
"""What is refused, on which line, in which words."""

import pytest

from fairlead.settings import problems


def _only(text: str) -> str:
    (problem,) = problems(text, "f")
    return str(problem)


def _of_service(line: str) -> str:
    start = "f:1: services.a."
    problem = _only(f"services: {{a: {{run: [x], {line}}}}}")
    assert problem.startswith(start)
    return problem.removeprefix(start)


WHOLE = [
    ("", "f:1: the file is empty"),
    ("# nothing\n", "f:2: the file is empty"),
    ("[]", "found a list"),
    ("services:\n", 'f:1: services: expected a mapping of services: {NAME: {run: [...]}}, found nothing'),
    ("cluster: a", 'f:1: "services" is missing'),
    ("services: {}\n---\na: 1", "f:2: one document is expected"),
    ("services: {\n", "f:2: this is not YAML"),
    ("services:\n  a:\n\trun: [a]", "f:3: this is not YAML: found character that cannot start"),
    ("services: {}\ncluster: a\x1b", "f:2: this is not YAML: control characters are not allowed"),
    ("cluster: &x a\nservices: {}", "f:1: anchors (&name) are not supported"),
    ("services: {}\ncluster: *x", "f:2: aliases (*name) are not supported"),
    ("services: !!python/object:os.system {}", "f:1: tags (!name) are not supported"),
    ("services: {a: {run: [x], routes: [*.x]}}", "a text that begins with * needs quotes"),
    ("[" * 100_000, "f:1: nested deeper than 16 levels"),
    ("? [a]\n: b", "f:1: a key must be a plain word"),
    ("services: {a: {run: [x], locality: prefer-node, balance: hash}}", "f:1: services.a: locality: prefer-node works with balance: p2c, not with hash"),
    ("services: {a: {run: [x], scale: {min: 2}, replicas: 1}}", "services.a: replicas: 1 is not within scale, which has min 2 and max 10"),
    ("services: {}\n<<: {a: 1}", "f:2: <<: unknown key"),
    ("cluster: a\nservices: {}\ncluster: b", "f:3: cluster: the same key is already on line 1"),
    ("services:\n  a: {run: [x]}\n  a: {run: [y]}", "f:3: services.a: the same key is already on line 2"),
    ("services: {a: {run: [x], env: {A: 1, A: 2}}}", "services.a.env.A: the same key"),
    ("services:\n  a:\n    replicas: 1", "f:2: services.a: one of run, image, service or endpoints is needed"),
    ("services:\n  123: {run: [x]}", "f:2: services.123: expected a name of lower-case letters, digits and inner hyphens, found 123 (a whole number to YAML); write it in quotes"),
    ("services:\n  on: {run: [x]}", "found on (a boolean to YAML); write it in quotes"),
    ("services: {A: {run: [x]}}", "expected a name of lower-case letters"),
    ("services: {a-: {run: [x]}}", "expected a name of lower-case letters"),
    (f"services: {{{'a' * 64}: {{run: [x]}}}}", "expected a name of lower-case letters, digits and inner hyphens of at most 63"),
    ("services: {}\nplatform: eks", 'f:2: platform: expected process, docker or ecs, found "eks"; did'),
    ("cluster: shop", 'f:1: "services" is missing'),
    ("services: {a: {image: x, service: y}}", "services.a.image: cannot be given together with"),
    ("services: {}\ndocker: {discover: true}", "f:2: docker: is of use only with platform: docker"),
    (
        "platform: docker\nservices:\n  a: {image: x}\n  b: {run: [x]}",
        "f:4: services.b: run is of no use on platform docker; give image or endpoints",
    ),
    (
        "platform: ecs\nservices:\n  a: {image: x}",
        "f:3: services.a: image is of no use on platform ecs; give service or endpoints",
    ),
    ("services:\n  a: {image: x}", "f:2: services.a: image is of no use on platform process"),
    ("services: {}\nplatform: docker\ndocker: {host: /run/docker.sock}", "begin with unix://"),
    ("services: {}\nplatform: ecs\necs: {queue: 'http://x/1'}", "the URL of an SQS queue"),
    ("services: {}\nplatform: proces", 'did you mean "process"?'),
    ("services: {}\nlisten: :80", 'found ":80"; 0.0.0.0 stands for all addresses'),
    ("services: {}\nlisten: localhost:80", "localhost is 127.0.0.1"),
    ("services: {}\nlisten: '[::1]:80'", "IPv6 addresses are not built yet"),
    ("services: {}\nlisten: 10:30", "expected a whole number from 1 to 65535"),
    ("services: {}\nlisten: 127.0.0.256:80", "listen: expected an address and port such as 127.0.0.1:8080"),
    ("services: {}\nlisten: 127.0.0.1:65536", "listen: expected an address and port such as 127.0.0.1:8080"),
    ("services: {}\nlisten: []", "listen: expected 1 to 16 items, found 0"),
    ("services: {}\nlisten:\n- 8080\n- 127.0.0.1:8080", "f:4: listen[1]: the listener 127.0.0.1:8080 is already at listen[0] (line 3)"),
    ("services: {}\nports: 30000-20000", "does not end before"),
    ("services: {}\nports: 80-90", "begins at 1024 or above"),
    ("services: {}\nproxy: {max_body: 0}", "expected a size from 1 to 1024g, found 0"),
    ("services: {}\nproxy: {max_body: 1t}", 'found "1t"; write 512k, 10m or 1g'),
    ("services: {}\nproxy: {workers: 0}", "proxy.workers: expected a whole number from 1 to 64, found 0"),
    ("services: {}\nproxy: {workers: 1.5}", "expected auto or a whole number from 1 to 64, found 1.5 (a number to YAML)"),
    ("services: {}\nproxy: {access_log: on}", "expected true or false, found on"),
]  # fmt: skip

IN_SERVICE = [
    ("replicaz: 1", 'replicaz: unknown key; did you mean "replicas"? (known: run, image,'),
    ("scale: {min: 5, max: 4}", "scale: min: 5 is above max: 4"),
    ("scale: {min: 11}", "scale: min: 11 is above max: 10"),
    ("scale: {max: 0}", "scale.max: expected a whole number from 1 to 1000, found 0"),
    ("network: back", "network: is of use only with image, which is not given"),
    ("replicas: two", 'replicas: expected a whole number from 0 to 1000, found "two"'),
    ("replicas: 1001", "replicas: expected a whole number from 0 to 1000, found 1001"),
    ("replicas: 010", "replicas: expected a whole number"),
    ("replicas: 1_0", "replicas: expected a whole number"),
    ("replicas: 0x1", "replicas: expected a whole number"),
    ('replicas: "1"', 'replicas: expected a whole number from 0 to 1000, found "1"'),
    ("replicas: 1.0", "found 1.0 (a number to YAML)"),
    ("replicas: [1]", "found a list"),
    ("replicas: ", "found nothing"),
    (f"replicas: {'9' * 5000}", "replicas: expected a whole number"),
    ("endpoints: ['b:1']", "run: cannot be given together with endpoints"),
    ("routes: a.b", "routes: expected a list of routes: [shop.example.com], found \"a.b\"; write it"),
    ("routes: [a.b, A.B/]", "routes[1]: the route a.b is already at services.a.routes[0] (line 1)"),
    ("routes: [/x]", 'begin with a host, "*" for any'),
    ("routes: ['http://a.b']", "a route has no scheme"),
    ("routes: ['a.b:80/x']", "a route has no port"),
    ("routes: [a.b/%41]", "without percent-escapes"),
    ("routes: [a.b//c]", "write single slashes"),
    ("routes: [a.b/../c]", "without dot segments"),
    ("routes: [a.b/./c]", "without dot segments"),
    ("routes: [{host: a.b, strip: yes}]", "routes[0].strip: expected true or false, found yes"),
    ("routes: [{host: 'a.b:80'}]", "routes[0].host: expected a host such as"),
    ("routes: [{path: /a}]", 'routes[0]: "host" is missing'),
    ("routes: [{host: a, path: b}]", "a path starts with /"),
    (f"routes: [{{host: a, path: /{'b' * 1024}}}]", "of at most 1024 characters"),
    ("routes: [on]", "found on (a boolean to YAML)"),
    ("env: {1A: x}", "env.1A: expected a variable's name"),
    ("env: {A: }", 'env.A: expected a text, number, true or false, found nothing; an empty text is ""'),
    ('env: {A: "a\\0"}', 'env.A: expected a text, number, true or false without NUL, found "a\\x00"'),
    ("env: [A=1]", "env: expected a mapping of variables: {NAME: value}, found a list"),
    (f"env: {{A: {'x' * 131_073}}}", "false of at most 131072 characters"),
    ('cwd: "a\\nb"', "cwd: expected a directory"),
    ("health: /up", "health: expected a mapping of path, tcp, command, status …, found"),
    ("health: {path: /, command: [a]}", "health.path: cannot be given together with command"),
    ("health: {status: 200}", "health.status: is of use only with path, which is not given"),
    ("health: {path: /, status: 99}", "health.status: expected a whole number from 100 to 599"),
    ("health: {path: /, status: 300-200}", "health.status: expected a status such as"),
    ("health: {path: up}", "a path starts with /"),
    ('health: {path: "/a\\r\\nX: y"}', 'found "/a\\r\\nX: y"'),
    ('health: {path: /, host: "a\\r\\nX: y"}', "health.host: expected a host such as"),
    ("health: {tcp: false}", "health.tcp: expected true, found false"),
    ("health: {interval: 1:30}", "health.interval: expected a duration from 10ms to 1h, found 1:30"),
    ("health: {interval: 2 s}", "write 250ms, 2s, 1m or 1h; a plain number is seconds"),
    ("health: {interval: .inf}", "health.interval: expected a duration"),
    ("health: {interval: -1}", "health.interval: expected a duration"),
    ("health: {interval: 2h}", 'expected a duration from 10ms to 1h, found "2h"'),
    ("health: {jitter: 1.5}", "health.jitter: expected a number from 0 to 1, found 1.5"),
    ("balance: hsh", 'did you mean "hash"?'),
    ("balance: {kind: p2c, key: ip}", "balance: key is of use only with kind: hash"),
    ("locality: node", "locality: expected any or prefer-node"),
    ("balance: {kind: hash, key: 'header:a b'}", "balance.key: expected ip, uri, header:NAME"),
    ("sticky: 'a b'", "sticky: expected a cookie's name"),
    ("retries: 11", "retries: expected a whole number from 0 to 10"),
    ("roll: {surge: 0}", "roll.surge: expected a whole number from 1 to 100"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WHOLE)
def test_a_wrong_file(text: str, message: str) -> None:
    assert message in _only(text)


@pytest.mark.parametrize(("line", "message"), IN_SERVICE)
def test_a_wrong_service(line: str, message: str) -> None:
    assert message in _of_service(line)


@pytest.mark.parametrize("key", ["replicas: 1", "env: {}", "cwd: a", "roll: {}", "stop_timeout: 1"])
def test_what_fixed_endpoints_have_no_use_for(key: str) -> None:
    name = key.partition(":")[0]
    message = f"f:1: services.a.{name}: cannot be given together with endpoints"
    assert _only(f"services: {{a: {{endpoints: ['b:1'], {key}}}}}") == message


def test_a_program_as_text_gets_a_hint() -> None:
    expected = (
        'run: expected a list of arguments: [python, app.py, …], found "a b"; write it as a list'
    )
    assert expected in _only("services: {a: {run: a b}}")


@pytest.mark.parametrize(
    "endpoint", ["b", "b:0", "b:65536", "http://b:1", "'[::1]:1'", "b c:1", "b:1;"]
)
def test_wrong_endpoints(endpoint: str) -> None:
    assert "expected an endpoint" in _only(f"services: {{a: {{endpoints: [{endpoint}]}}}}")


def test_an_endpoint_twice() -> None:
    text = "services: {a: {endpoints: ['b:1', {address: 'B:1', weight: 2}]}}"
    assert "the endpoint b:1 is already at services.a.endpoints[0]" in _only(text)


def test_a_route_of_two_services_names_both_lines() -> None:
    text = (
        "services:\n  a: {run: [x], routes: [h/p/]}\n  b:\n    run: [x]\n    routes:\n    - H/p\n"
    )
    wanted = "f:6: services.b.routes[0]: the route h/p is already at services.a.routes[0] (line 2)"
    assert _only(text) == wanted


def test_the_line_of_a_key_whose_value_stands_below() -> None:
    text = "services:\n  a:\n    run: [x]\n    drian:\n\n      timeout: 1s\n"
    assert _only(text).startswith('f:4: services.a.drian: unknown key; did you mean "drain"?')


def test_too_many_services() -> None:
    names = "".join(f" s{i}: {{run: [x]}}\n" for i in range(5001))
    assert "expected at most 5000 entries, found 5001" in _only(
        f"ports: 1024-9999\nservices:\n{names}"
    )


def test_messages_are_short_and_obey_no_terminal() -> None:
    message = _only(f'services: {{}}\n"\\e[2J{"x" * 999}": 1')
    assert "\x1b" not in message
    assert len(message) < 200
