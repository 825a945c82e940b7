"""One nginx master without Lua: identity, adoption, orphans, inherited sockets, its end."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead import procfs
from fairlead.proxies.nginx.listening import bind
from fairlead.proxies.nginx.master import Identity, Master, orphans, signal_orphans
from fairlead.wire import Request
from tests.ground import fetch, free_port, need_nginx, until
from tests.proxies.nginx.ground import session_of

pytestmark = pytest.mark.integration

CONF = """
daemon off; worker_processes 1; pid {prefix}/nginx.pid; error_log {prefix}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {prefix}; proxy_temp_path {prefix}; fastcgi_temp_path {prefix};
    uwsgi_temp_path {prefix}; scgi_temp_path {prefix};
    server {{ listen 127.0.0.1:{port}; return 200 here; }}
}}
"""

Spawn = Callable[[], Master]


@pytest.fixture
def port() -> int:
    need_nginx()
    return free_port()


@pytest.fixture
async def spawn(tmp_path: Path, port: int) -> AsyncIterator[Spawn]:
    """Starts masters of one prefix on one inherited socket, and ends them with the test."""
    (tmp_path / "nginx.conf").write_text(CONF.format(prefix=tmp_path, port=port))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    argv = [program, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    made: list[Master] = []
    with bind(f"127.0.0.1:{port}") as listener:

        def start() -> Master:
            made.append(Master.spawn(argv, [listener.fileno()]))
            return made[-1]

        yield start
        for master in made:
            await master.end(0)


async def body(port: int) -> bytes:
    return (await fetch(port, Request("GET", "/"))).body


async def test_serves_on_the_socket_that_it_inherits_in_a_session_of_its_own(
    spawn: Spawn, port: int
) -> None:
    master = spawn()
    assert await body(port) == b"here"  # it waited in the queue while nginx started
    assert os.getsid(master.pid) == master.pid != os.getsid(0)
    assert master.identity.is_alive


async def test_an_end_is_noticed_and_reaped(spawn: Spawn, port: int) -> None:
    master = spawn()
    await body(port)
    assert not await master.wait(0.01)
    os.kill(master.pid, signal.SIGKILL)
    assert await master.wait(10)
    assert not Path(f"/proc/{master.pid}").exists()  # noqa: ASYNC240 - procfs does not block
    master.signal(signal.SIGTERM)


async def test_adopts_only_the_nginx_of_the_prefix(spawn: Spawn, port: int, tmp_path: Path) -> None:
    master = spawn()
    await body(port)
    recycled = replace(master.identity, ticks=master.identity.ticks + 1)
    assert Master.adopt(recycled, tmp_path) is None
    assert Master.adopt(master.identity, tmp_path.parent) is None
    assert Master.adopt(Identity(0, 0), tmp_path) is None
    adopted = Master.adopt(master.identity, tmp_path)
    assert adopted is not None
    await adopted.end(5)
    assert await master.wait(5)
    assert Master.adopt(master.identity, tmp_path) is None


async def test_another_program_of_that_pid_is_not_adopted(tmp_path: Path) -> None:
    this = procfs.stat(os.getpid())
    assert this
    assert Master.adopt(Identity(os.getpid(), this.ticks), tmp_path) is None


async def test_orphans_of_a_killed_master_are_found_and_leave_when_told(
    spawn: Spawn, port: int
) -> None:
    master = spawn()
    await body(port)
    assert orphans(master.pid + 1_000_000) == orphans(0) == []
    os.kill(master.pid, signal.SIGKILL)
    await master.wait(10)
    assert len(orphans(master.pid)) == 1
    assert await body(port) == b"here"  # they serve on
    successor = spawn()
    assert signal_orphans(master.pid, signal.SIGQUIT) == 1
    await until(lambda: not session_of(master.pid))
    assert await body(port) == b"here"
    assert successor.identity.is_alive


async def test_an_end_leaves_nothing(spawn: Spawn, port: int) -> None:
    master = spawn()
    await body(port)
    await master.end(10)
    assert session_of(master.pid) == []


async def test_a_master_that_does_not_listen_to_signals_is_killed_with_its_workers(
    spawn: Spawn, port: int
) -> None:
    master = spawn()
    await body(port)
    os.kill(master.pid, signal.SIGSTOP)
    await master.end(0.05)
    await until(lambda: not session_of(master.pid))
