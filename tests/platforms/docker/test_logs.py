from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker.logs import Written, contents, show_logs
from tests.ground import until
from tests.platforms.docker.ground import Harbour

SPEAK = "echo one; echo two >&2; echo three; sleep 300"


class Shown:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, endpoint: str, line: str) -> None:
        self.lines.append((endpoint, line))


async def last(harbour: Harbour, count: int) -> list[tuple[str, str]]:
    shown = Shown()
    await show_logs(harbour.engine.host, Written("test", "catalog", count), shown)
    return shown.lines


async def test_the_last_lines_of_each_container_oldest_first(harbour: Harbour) -> None:
    platform = harbour.platform()
    first = await platform.start(harbour.service(script=SPEAK))
    second = await platform.start(harbour.service(script=SPEAK))
    await platform.start(harbour.service("alerts", script=SPEAK))

    async def all_written() -> bool:
        return len(await last(harbour, 100)) == 6

    await until(all_written, "six lines")
    lines = await last(harbour, 1)
    assert {line for _, line in lines} <= {"two", "three"}  # two streams, two writers
    assert [endpoint for endpoint, _ in lines] == [first.id, second.id]


async def test_a_terminal_s_output_is_plain(harbour: Harbour) -> None:
    container = await harbour.labelled("-t", script=SPEAK)

    async def all_written() -> bool:
        return len(await last(harbour, 100)) == 3

    await until(all_written, "three lines")
    endpoint = f"catalog-{container[:12]}"
    assert await last(harbour, 100) == [(endpoint, word) for word in ("one", "two", "three")]


async def test_followed_it_shows_new_lines_and_new_containers(harbour: Harbour) -> None:
    platform, shown = harbour.platform(), Shown()
    script = "while true; do echo here; sleep 0.1; done"
    first = await platform.start(harbour.service(script=script))
    wanted = Written("test", "catalog", 0, follow=True)
    following = asyncio.create_task(show_logs(harbour.engine.host, wanted, shown))
    try:
        await until(lambda: len(shown.lines) > 3, "lines")
        second = await platform.start(harbour.service(script=script))
        await until(lambda: {e for e, _ in shown.lines} == {first.id, second.id}, "the second")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert {line for _, line in shown.lines} == {"here"}


async def test_without_an_engine_it_is_an_error() -> None:
    with pytest.raises(PlatformError, match="cannot be used"):
        await show_logs("unix:///nowhere/sock", Written("test", "catalog"), Shown())


@given(st.lists(st.binary(max_size=30)), st.data())
def test_frames_are_read_however_they_come(payloads: list[bytes], data: st.DataObject) -> None:
    frames = [b"\1\0\0\0" + len(p).to_bytes(4, "big") + p for p in payloads]
    whole = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))

    async def pieces() -> AsyncIterator[bytes]:
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            yield whole[start:end]

    async def collected() -> bytes:
        return b"".join([piece async for piece in contents(pieces())])

    assert asyncio.run(collected()) == b"".join(payloads)


async def test_what_is_no_frame_is_an_error() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"plain text, which is no frame"

    with pytest.raises(PlatformError, match="cannot be read"):
        await anext(contents(pieces()))
