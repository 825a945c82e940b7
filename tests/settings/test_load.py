"""What a file becomes."""

from pathlib import Path

import pytest

from fairlead.core.errors import BadInput, SettingsError
from fairlead.core.model import (
    Balance,
    CheckKind,
    Cluster,
    FixedEndpoint,
    Front,
    HealthCheck,
    Roll,
    Route,
    Service,
    Traffic,
)
from fairlead.settings import load, parse, problems

BASE = Path("/srv/shop")
FULL = """
cluster: shop
platform: process
listen: [8080, 0.0.0.0:80]
ports: 21000-21999
proxy: {workers: 2, max_body: 1GiB, keepalive: 500ms, access_log: true}
services:
  catalog:
    run: [python3, catalog.py, --port, "{port}", 8, true]
    replicas: 2
    routes: [Catalog.Localhost, shop.localhost/api/catalog/, {host: "*.x", path: /y/, strip: true}]
    env: {ZONE: 010, A: yes, B: "", C: 1.50}
    cwd: sub/../app
    health:
      path: /actuator/health?full=1
      status: [200, 204, 300-302]
      host: Catalog.localhost
      interval: 2
      timeout: 0.5
      rise: 2
      fall: 4
      jitter: 0
      start_interval: 50ms
      start_timeout: 1m
    balance: {kind: hash, key: "header:X-User"}
    sticky: basket
    slow_start: 20s
    hold: 0
    retries: 0
    timeout: 1h
    connect_timeout: 250ms
    stream: true
    drain: {timeout: 5m}
    stop_timeout: 1.5s
    roll: {surge: 2, parallel: 3}
  old:
    endpoints: ["10.0.0.5:8080", {address: "B.internal:81", weight: 3}]
"""


def test_a_full_file() -> None:
    catalog = Service(
        name="catalog",
        run=("python3", "catalog.py", "--port", "{port}", "8", "true"),
        replicas=2,
        routes=(
            Route("catalog.localhost"),
            Route("shop.localhost", "/api/catalog"),
            Route("*.x", "/y", strip=True),
        ),
        env=(("A", "yes"), ("B", ""), ("C", "1.50"), ("ZONE", "010")),
        cwd="/srv/shop/app",
        health=HealthCheck(
            kind=CheckKind.HTTP,
            path="/actuator/health?full=1",
            statuses=((200, 200), (204, 204), (300, 302)),
            host="catalog.localhost",
            interval=2.0,
            timeout=0.5,
            rise=2,
            fall=4,
            jitter=0.0,
            start_interval=0.05,
            start_timeout=60.0,
        ),
        traffic=Traffic(
            Balance.HASH, "header:X-User", "basket", 20.0, 0.0, 0, 0.25, 3600.0, stream=True
        ),
        roll=Roll(2, 3),
        drain_timeout=300.0,
        stop_timeout=1.5,
    )
    old = Service(
        "old", endpoints=(FixedEndpoint("10.0.0.5", 8080), FixedEndpoint("b.internal", 81, 3))
    )
    front = Front(("127.0.0.1:8080", "0.0.0.0:80"), 2, 1 << 30, 0.5, access_log=True)
    wanted = Cluster("shop", front=front, ports=(21000, 21999), services=(catalog, old))
    assert parse(FULL, "f", BASE) == wanted


def test_defaults_are_those_of_the_model() -> None:
    assert parse("services: {a: {run: [x]}}", "f", BASE) == Cluster(
        services=(Service("a", run=("x",), cwd="/srv/shop"),)
    )
    assert parse("services: {}") == Cluster()


@pytest.mark.parametrize(
    ("health", "kind"),
    [
        ("{}", CheckKind.TCP),
        ("{tcp: true}", CheckKind.TCP),
        ("{path: /}", CheckKind.HTTP),
        ("{command: [true]}", CheckKind.COMMAND),
    ],
)
def test_kind_of_check(health: str, kind: CheckKind) -> None:
    assert _service(f"health: {health}").health.kind is kind


@pytest.mark.parametrize(
    ("sticky", "cookie"), [("true", "fairlead-a"), ("false", ""), ("s_1", "s_1")]
)
def test_sticky(sticky: str, cookie: str) -> None:
    assert _service(f"sticky: {sticky}").traffic.sticky == cookie


@pytest.mark.parametrize("status", ["200", "[200]", '"200-200"', "[200, 200]"])
def test_statuses(status: str) -> None:
    assert _service(f"health: {{path: /, status: {status}}}").health.statuses == ((200, 200),)


def test_order_of_environment_means_nothing() -> None:
    one, two = _service("env: {A: 1, B: 2}"), _service("env: {B: 2, A: 1}")
    assert one.revision == two.revision


def test_load_is_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fairlead.yaml"
    path.write_text("services: {a: {run: [x], cwd: app}}")
    assert load(path).services[0].cwd == str(tmp_path / "app")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"services: {a: \xff}", "is not UTF-8 at byte 14"),
        (b"#" * ((1 << 20) + 1), "larger than 1 MiB"),
        (
            b"services: {}\nlistem: 80",
            'fairlead.yaml:2: listem: unknown key; did you mean "listen"?',
        ),
    ],
)
def test_load_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "fairlead.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert isinstance(caught.value, BadInput)


def test_load_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: there is no such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="Is a directory"):
        load(tmp_path)


def test_the_first_problem_is_raised_and_all_are_shown() -> None:
    text = "services:\n  a: {run: x}\n  b: {replicas: -1}\nlisten: 0\n"
    assert [problem.line for problem in problems(text, "f")] == [2, 3, 3, 4]
    with pytest.raises(SettingsError) as caught:
        parse(text, "f")
    assert str(caught.value).splitlines() == [str(problem) for problem in problems(text, "f")]


def test_more_replicas_than_ports() -> None:
    text = "services: {a: {run: [x], replicas: 3}}\nports: 30000-30001"
    assert [str(p) for p in problems(text, "f")] == [
        "f:2: ports: 30000-30001 are 2 ports for 3 replicas; widen the range"
    ]


def _service(line: str) -> Service:
    return parse(f"services: {{a: {{run: [x], {line}}}}}").services[0]


@pytest.mark.parametrize(
    ("more", "hold"),
    [
        ("scale: {min: 0}", 120.0),
        ("scale: {min: 0}, health: {start_timeout: 90s}", 90.0),
        ("scale: {min: 0}, hold: 5s", 5.0),
        ("scale: {min: 1}", 10.0),
    ],
)
def test_what_wakes_a_sleeper_is_held_for_as_long_as_its_start_may_take(
    more: str, hold: float
) -> None:
    service = parse(f"services:\n  a: {{run: [x], {more}}}\n").services[0]
    assert (service.traffic.hold, service.replicas) == (hold, 1)
