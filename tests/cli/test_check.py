from __future__ import annotations

import json
import os
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from fairlead import procfs
from fairlead.cli import machine

SETTINGS = """\
cluster: shop
listen: 127.0.0.1:{port}
ports: {ports}
services:
  catalog:
    run: {run}
    cwd: {cwd}
    replicas: 2
    routes: [catalog.localhost]
"""


@pytest.fixture
def write(state: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("fairlead.proxies.nginx.machine.check_machine", list)

    def write(**changes: object) -> int:
        values = {"port": free_port, "ports": "20000-20099", "run": "[sleep, '9']", "cwd": "."}
        (state.parent / "fairlead.yaml").write_text(SETTINGS.format(**values | changes))
        return free_port

    return write


def test_all_fine(fairlead: Any, write: Any, state: Path) -> None:
    write()
    result = fairlead("check")
    assert (result.status, result.out, result.err) == (
        0,
        "fairlead.yaml: 1 service, all fine\n",
        "",
    )
    assert not state.exists()


def test_how_services_are_scaled_is_told(fairlead: Any, write: Any, state: Path) -> None:
    write()
    file = state.parent / "fairlead.yaml"
    scale = "{max: 4, objective: p99 < 1s, targets: {cpu: 60%}}"
    file.write_text(f"{file.read_text()}    scale: {scale}\n")
    policy = "1 to 4 by p99 <= 1s and cpu 60%"
    assert fairlead("check").out == (
        f"fairlead.yaml: 1 service, all fine\n  catalog is scaled: {policy}\n"
    )
    assert json.loads(fairlead("check", "--json").out)["scaled"] == {"catalog": policy}


def test_every_mistake_of_the_file_is_told(fairlead: Any, write: Any, state: Path) -> None:
    (state.parent / "fairlead.yaml").write_text("clutser: shop\nplatfrom: process\n")
    result = fairlead("check")
    assert result.status == 2
    lines = result.err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("fairlead: ") for line in lines)
    assert any("fairlead.yaml:1: " in line and "cluster" in line for line in lines)
    assert any("fairlead.yaml:2: " in line and "platform" in line for line in lines)


def test_a_missing_file(fairlead: Any, state: Path) -> None:
    result = fairlead("check", "-f", "nowhere.yaml")
    assert result.status == 2
    assert "nowhere.yaml" in result.err


def test_a_listen_port_that_is_taken(fairlead: Any, write: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        write(port=port)
        result = fairlead("check")
    assert result.status == 1
    assert f"fairlead: 127.0.0.1:{port} is taken by " in result.err


def test_what_our_own_daemon_holds_is_no_conflict(fairlead: Any, write: Any, daemon: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        write(port=port)
        daemon.control.listen = f"127.0.0.1:{port}"
        assert fairlead("check").status == 0


def test_what_an_earlier_daemon_left_is_no_conflict(fairlead: Any, write: Any, state: Path) -> None:
    """This process stands for the nginx that was left, which holds the listen address."""
    found = procfs.stat(os.getpid())
    assert found
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write(port=port)
        (state / "nginx").mkdir(parents=True)
        record = {"pid": os.getpid(), "ticks": found.ticks, "listen": [f"127.0.0.1:{port}"]}
        (state / "nginx" / "master.json").write_text(json.dumps(record))
        assert fairlead("check").status == 0
        (state / "nginx" / "master.json").write_text(json.dumps({**record, "ticks": 1}))
        assert f"127.0.0.1:{port} is taken by" in fairlead("check").err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"run": "[no-such-program]"}, "no-such-program is no program"),
        ({"run": "[./no-such-script]"}, "./no-such-script is no program"),
        ({"cwd": "nowhere"}, "nowhere does not exist"),
        ({"ports": "40000-40099"}, "choose ports below"),
    ],
)
def test_what_the_machine_lacks(
    fairlead: Any, write: Any, changes: dict[str, object], words: str
) -> None:
    write(**changes)
    result = fairlead("check")
    assert result.status == 1
    assert words in result.err
    outcome = json.loads(fairlead("check", "--json").out)
    assert (outcome["ok"], outcome["services"], len(outcome["problems"])) == (False, 1, 1)


def test_a_program_beside_the_file_is_found(fairlead: Any, write: Any, state: Path) -> None:
    script = state.parent / "serve"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    write(run="[./serve]")
    assert fairlead("check").status == 0


def test_too_few_free_ports(fairlead: Any, write: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert list(machine._ports(_cluster((port, port)), {port})) == []
        assert "0 are free, and 1 are wanted" in next(machine._ports(_cluster((port, port)), ()))


def _cluster(ports: tuple[int, int]) -> Any:
    from fairlead.core.model import Cluster, Roll, Service

    service = Service("catalog", run=("sleep", "9"), roll=Roll(surge=0))
    return Cluster(ports=ports, services=(service,))


def test_nginx_and_open_files(fairlead: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write()
    missing = "nginx is not installed; run: apt-get install -y nginx"
    monkeypatch.setattr("fairlead.proxies.nginx.machine.check_machine", lambda: [missing])
    assert fairlead("check").err == f"fairlead: {missing}\n"
    assert "ulimit -Hn" in next(machine._open_files(1024))
    assert list(machine._open_files(resource.RLIM_INFINITY)) == []
