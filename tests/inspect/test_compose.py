"""Compose files, in all their ways of writing one thing."""

import pytest

from fairlead.core.setup import At, Container, ServiceSetup, Setup
from fairlead.inspect.documents import read_document


def read(text: str, **beside: str) -> Setup:
    names = {name.replace("_", "."): value for name, value in beside.items()}
    setup = read_document("app/compose.yml", text, names.get)
    assert setup is not None
    return setup


def box(settings: str, more: str = "") -> Container:
    """The container of a service with these settings."""
    setup = read(f"services:\n  web:\n    image: x\n    {settings}\n{more}")
    return setup.tasks[0].containers[0]


def service(settings: str) -> ServiceSetup:
    return read(f"services:\n  web:\n    image: x\n    {settings}\n").services[0]


@pytest.mark.parametrize(
    ("written", "ports"),
    [
        ('["8083:8080"]', [(8083, 8080, "tcp")]),
        ('["127.0.0.1:8083:8080/udp"]', [(8083, 8080, "udp")]),
        ('["[::1]:8083:8080"]', [(8083, 8080, "tcp")]),
        ("[22:22]", [(22, 22, "tcp")]),  # YAML 1.1 would read a number to the base of 60
        ("[8080]", [(None, 8080, "tcp")]),
        ('["127.0.0.1::8080"]', [(None, 8080, "tcp")]),
        ('["8083-8084:8080-8081"]', [(8083, 8080, "tcp"), (8084, 8081, "tcp")]),
        ('["8000-9000:80"]', [(0, 80, "tcp")]),
        ('["${PORT:-8083}:8080"]', [(8083, 8080, "tcp")]),
        ("[{target: 80, published: '8083', protocol: udp}]", [(8083, 80, "udp")]),
        ("[{target: 80, published: 8000-8010}]", [(0, 80, "tcp")]),
        ("[{target: 80}]", [(None, 80, "tcp")]),
    ],
)
def test_ports(written: str, ports: list[tuple[int | None, int, str]]) -> None:
    found = box(f"ports: {written}").ports
    assert [(p.host.value, p.container.value, p.protocol) for p in found] == ports
    assert not any(p.host.unknown or p.container.unknown for p in found)


def test_a_port_that_a_variable_names_is_unknown_unless_it_is_set_beside() -> None:
    text = 'services:\n  web:\n    image: x\n    ports: ["${PORT}:8080"]\n'
    (port,) = read(text).tasks[0].containers[0].ports
    assert port.container.value == 8080
    assert port.host.value is None
    assert "PORT" in port.host.unknown
    (port,) = read(text, _env="# x\nPORT=8083\n").tasks[0].containers[0].ports
    assert port.host.value == 8083
    assert port.host.origin == (At("app/compose.yml", 4), At("app/.env", 2))


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("./data:/data:ro", ("host", "./data", "/data", True)),
        (
            "/var/run/docker.sock:/var/run/docker.sock",
            ("socket", "/var/run/docker.sock", "", False),
        ),
        ("db:/data", ("docker", "db", "/data", False)),
        ("nfs:/data", ("shared", "nfs", "/data", False)),
        ("/data", ("ephemeral", "", "/data", False)),
        ("{type: bind, source: ./a, target: /a, read_only: true}", ("host", "./a", "/a", True)),
        ("{type: tmpfs, target: /tmp/x}", ("ephemeral", "", "/tmp/x", False)),
    ],
)
def test_volumes(written: str, found: tuple[str, str, str, bool]) -> None:
    declared = "volumes:\n  db:\n  nfs: {driver_opts: {type: nfs}}\n"
    (mount,) = box(f"volumes: [{written}]", declared).mounts
    kind, source, path, read_only = found
    assert (mount.kind, mount.source, mount.read_only) == (kind, source, read_only)
    assert not path or mount.path == path


def test_amounts_and_durations() -> None:
    assert box("mem_limit: 512m").memory.value == 512
    assert box("deploy: {resources: {limits: {memory: 1G}}}").memory.value == 1024
    assert box("mem_reservation: 67108864").reservation.value == 64
    assert box("cpus: '0.5'").cpu.value == 512
    assert box("stop_grace_period: 1m30s").stop_timeout.value == 90
    assert box("stop_grace_period: soon").stop_timeout.unknown
    assert box("restart: always").stop_timeout.value is None


def test_health_checks() -> None:
    assert box("healthcheck: {test: [CMD, 'true']}").checked.value is True
    assert box("healthcheck: {disable: true}").checked.value is False
    assert box("healthcheck: {test: [NONE]}").checked.value is False
    assert box("restart: always").checked.value is None


def test_how_many() -> None:
    assert service("deploy: {replicas: 3}").desired.value == 3
    assert service("scale: 2").desired.value == 2
    assert service("restart: always").desired.value is None
    assert service("deploy: {replicas: $N}").desired.unknown
    assert service("deploy: {mode: global}").daemon


def test_merges_and_extensions() -> None:
    setup = read(
        "x-app: &app\n  image: app:${TAG-1}\n  stop_grace_period: 20s\n"
        "services:\n"
        "  web:\n    <<: *app\n    stop_grace_period: 5s\n"
        "  api:\n    extends: {file: base.yml, service: api}\n    ports: ['2:2']\n"
        "  loop:\n    extends: loop\n    image: y\n",
        base_yml="services:\n  api:\n    image: z\n    ports: ['1:1']\n",
    )
    found = {task.family: task.containers[0] for task in setup.tasks}
    assert found["web"].image.value == "app:1"
    assert found["web"].stop_timeout.value == 5
    assert found["api"].image.value == "z"
    assert [p.host.value for p in found["api"].ports] == [1, 2]
    assert found["loop"].image.value == "y"


def test_a_service_is_where_its_name_stands() -> None:
    setup = read("services:\n\n  web:\n    build: .\n")
    assert setup.services[0].at == At("app/compose.yml", 3)
    assert setup.services[0].kind == "compose"
    assert setup.task_of(setup.services[0]) == setup.tasks[0]


def test_aliases_that_would_make_much_of_little_make_nothing() -> None:
    lines = ["x-0: &x0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"x-{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    text = "\n".join([*lines, "services: {web: {image: x, ports: *x8}}"])
    assert read_document("compose.yml", text) is None
