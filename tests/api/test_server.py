from __future__ import annotations

import asyncio
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.server import MAX_CONNECTIONS, serve
from fairlead.api.unix import connect, listen
from fairlead.core.errors import Busy, FairleadError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_only_the_owner_reaches_the_socket(socket_path: Path) -> None:
    assert mode(socket_path) == 0o600
    assert mode(socket_path.parent) == 0o700


async def test_a_second_daemon_is_refused_and_the_first_goes_on(
    control: Any, socket_path: Path
) -> None:
    with pytest.raises(Busy, match="already running"):
        async with serve(control, socket_path):
            pass
    connect(socket_path, 1).close()


async def test_the_socket_of_a_dead_daemon_is_replaced(control: Any, tmp_path: Path) -> None:
    path = tmp_path / "fairlead.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with serve(control, path):
        connect(path, 1).close()
    assert not path.exists()


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fairlead.sock"
    path.write_text("precious")
    with pytest.raises(Busy, match="in the way"):
        listen(path)
    assert path.read_text() == "precious"


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    with pytest.raises(FairleadError, match="chmod 700"):
        listen(state / "fairlead.sock")


async def test_a_path_longer_than_an_address_works(control: Any, tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 30) / "fairlead.sock"
    async with serve(control, path):
        connect(path, 1).close()
    assert not path.exists()


async def test_the_end_of_the_daemon_ends_followers(control: Any, tmp_path: Path) -> None:
    path = tmp_path / "fairlead.sock"
    async with asyncio.timeout(4):
        async with serve(control, path):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        rest = await reader.read()
    assert rest.endswith(b"0\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_connections_are_bounded(socket_path: Path) -> None:
    idle = [await asyncio.open_unix_connection(str(socket_path)) for _ in range(MAX_CONNECTIONS)]
    reader, writer = await asyncio.open_unix_connection(str(socket_path))
    writer.write(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 503 " in await reader.readline()
    for _, other in [*idle, (reader, writer)]:
        other.close()
        await other.wait_closed()


async def test_signals_stay_with_the_daemon(control: Any, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with serve(control, tmp_path / "fairlead.sock"):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
