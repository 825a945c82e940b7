"""What tests of every kind stand on: free ports, a client, patience, and nginx if there is one."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from fairlead.proxies.nginx.machine import check_machine
from fairlead.wire import Connection, Request, Response

PATIENCE = 30.0


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody holds now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port() -> int:
    return free_ports(1)[0]


async def until(
    holds: Callable[[], Any], what: str | Callable[[], str] = "", patience: float = PATIENCE
) -> Any:
    """Wait until `holds()`, which may be a coroutine, is true; its value."""
    limit = time.monotonic() + patience
    while True:
        value = holds()
        if value := await value if inspect.isawaitable(value) else value:
            return value
        if time.monotonic() > limit:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {patience:g} s: {told}")
        await asyncio.sleep(0.005)


async def fetch(port: int, request: Request) -> Response:
    """One request on a connection of its own."""
    async with asyncio.timeout(PATIENCE):
        connection = await Connection.open(partial(asyncio.open_connection, "127.0.0.1", port))
        try:
            return await connection.exchange(request, 1 << 16)
        finally:
            connection.close()


def need_nginx() -> None:
    """Without nginx a test skips at home and fails in CI."""
    if problems := "; ".join(check_machine()):
        missing(problems)


def missing(problem: str) -> NoReturn:
    """What a test needs is not there: it skips at home and fails in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(problem)
    pytest.skip(problem)


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def end_process(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
    """Send that, and wait for its end; one that does not end is killed."""
    process.send_signal(number)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
