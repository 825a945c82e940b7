"""What nginx says of who waits, and what others might say there."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from fairlead.core.errors import ProxyError
from fairlead.proxies.nginx.ear import Ear
from tests.ground import until


def say(path: Path, *words: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
        mouth.connect(str(path))
        for word in words:
            mouth.send(word)


async def test_each_name_is_told_once_a_burst_and_what_is_no_name_never(tmp_path: Path) -> None:
    told: list[str] = []
    ear = Ear(tmp_path / "wake.sock", told.append)
    ear.open()
    try:
        say(tmp_path / "wake.sock", b"b", b"a", b"a", b"\xff\0", b"", b"../up", b"x" * 65, b"b")

        async def heard() -> bool:
            return bool(told)

        await until(heard)
        assert told == ["a", "b"]
    finally:
        ear.close()


async def test_it_is_open_to_nobody_else_and_takes_the_place_of_a_dead_one(tmp_path: Path) -> None:
    path = tmp_path / "wake.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    ear = Ear(path, lambda _: None)
    ear.open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ear.close()
    ear.close()
    assert not path.exists()


async def test_a_place_where_it_cannot_listen_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="cannot listen on "):
        Ear(tmp_path / "away" / "wake.sock", lambda _: None).open()
