from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.platforms.docker.answers import moment
from fairlead.platforms.docker.events import Happening, lines, read_event, signal_name
from tests.platforms.docker.shapes import ABSURD

KILL = {
    "status": "kill",
    "id": "f00d",
    "Type": "container",
    "Action": "kill",
    "Actor": {"ID": "f00d", "Attributes": {"image": "x", "signal": "15"}},
    "scope": "local",
    "time": 1795523020,
    "timeNano": 1795523020250000000,
}


def event(**changes: Any) -> bytes:
    return json.dumps({**KILL, **changes}).encode()


def test_a_kill_event_of_a_real_engine() -> None:
    assert read_event(event()) == Happening("f00d", "kill", 1795523020.25, "TERM")


@pytest.mark.parametrize(
    ("written", "ending"),
    [
        *[(text, True) for text in ("15", "TERM", "SIGTERM", "2", "3", "9", "SIGKILL")],
        *[(text, False) for text in ("1", "HUP", "SIGUSR1", "28", "37", "999", "", "so")],
    ],
)
def test_which_signals_are_a_way_out(written: str, ending: bool) -> None:
    actor = {"ID": "f00d", "Attributes": {"signal": written}}
    found = read_event(event(Actor=actor))
    assert found
    assert found.ending is ending


def test_health_and_exits_and_networks() -> None:
    healthy = read_event(event(Action="health_status: unhealthy"))
    assert healthy
    assert healthy.action == "health_status"
    died = read_event(event(Action="die", Actor={"ID": "f", "Attributes": {"exitCode": "3"}}))
    assert died
    assert died.exit_code == 3
    actor = {"ID": "the network's", "Attributes": {"container": "f00d"}}
    joined = read_event(event(Type="network", Action="connect", Actor=actor))
    assert joined
    assert joined.container == "f00d"


@given(st.binary(max_size=200) | ABSURD.map(lambda value: json.dumps(value).encode()))
def test_no_line_is_an_error(line: bytes) -> None:
    assert read_event(line) is None


@given(st.sampled_from(list(KILL)), ABSURD)
def test_an_event_with_a_strange_field_is_no_error(key: str, value: Any) -> None:
    found = read_event(event(**{key: value}))
    assert found is None or isinstance(found.at, float)


@given(st.text())
def test_no_signal_is_an_error(written: str) -> None:
    assert isinstance(signal_name(written), str)


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_the_same_however_they_come(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(part + b"\n" for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))

    async def pieces() -> AsyncIterator[bytes]:
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            yield whole[start:end]

    async def collected() -> list[bytes]:
        return [line async for line in lines(pieces())]

    assert asyncio.run(collected()) == [part for part in parts if part]


async def test_a_line_without_end_is_dropped_and_the_next_one_read() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 16)
        yield b"\nnext\nlast"

    assert [line async for line in lines(pieces())] == [b"next", b"last"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10.5+01:00", 10.5),
        ("1969-12-31T23:00:10-01:00", 10.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("2026-13-41T99:00:00Z", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_moments(written: str, seconds: float) -> None:
    assert moment(written) == seconds


@given(ABSURD)
def test_no_moment_is_an_error(value: Any) -> None:
    assert moment(value) == 0.0
