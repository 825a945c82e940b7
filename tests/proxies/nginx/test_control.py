"""The control client against a small server that can misbehave."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fairlead.core.errors import ProxyError
from fairlead.core.model import LATENCY_BOUNDS, Counters, Entry, ServiceTable
from fairlead.proxies.nginx import control as control_module
from fairlead.proxies.nginx.control import Control
from fairlead.proxies.nginx.prefix import LUA
from fairlead.proxies.nginx.table import encode
from tests.ground import until

OK = b'{"generation": 18}'


class FakeNginx:
    """Answers with `answers` in turn, the last one again and again; None hangs up instead."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.answers: list[tuple[int, bytes] | None] = [(200, OK)]
        self.seen: list[tuple[str, bytes]] = []
        self.connections = 0
        self.close_after_answer = False
        self.pause = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [
            int(x[16:]) for x in head.split("\r\n") if x.lower().startswith("content-length: ")
        ]
        self.seen.append((head.split(" HTTP")[0], await reader.readexactly(sum(lengths))))
        await asyncio.sleep(self.pause)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            return False
        status, body = answer
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        return not self.close_after_answer


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[FakeNginx]:
    fake = FakeNginx(tmp_path / "control.sock")
    async with await asyncio.start_unix_server(fake.serve, fake.socket):
        yield fake


@pytest.fixture
async def control(nginx: FakeNginx) -> AsyncIterator[Control]:
    client = Control(nginx.socket)
    yield client
    client.close()


async def test_speaks_the_protocol_over_one_connection(nginx: FakeNginx, control: Control) -> None:
    assert await control.put("catalog", b"DOC") == 18
    assert await control.delete("catalog") == 18
    nginx.answers = [(200, b'{"generation": 17, "workers": 2, "pid": 4711}')]
    assert (await control.info()).pid == 4711
    assert nginx.seen == [
        ("PUT /services/catalog", b"DOC"),
        ("DELETE /services/catalog", b""),
        ("GET /info", b""),
    ]
    assert nginx.connections == 1


async def test_reads_the_live_table(nginx: FakeNginx, control: Control) -> None:
    table = ServiceTable("catalog", (), (Entry("e", "127.0.0.1", 1),))
    doc = encode(table, {"e": 4})
    nginx.answers = [(200, b'{"generation": 3, "services": {"catalog": %b}}' % doc)]
    live = await control.table()
    assert (live.generation, live.services["catalog"].table) == (3, table)
    assert live.services["catalog"].slots == {"e": 4}


async def test_reads_counters(nginx: FakeNginx, control: Control) -> None:
    counted = (
        b'{"in_flight": 1, "requests": 10, "failures": 2, "statuses": [0, 7, 0, 0, 3], '
        b'"latency": [4, 6], "latency_sum": 0.5}'
    )
    nginx.answers = [(200, b'{"catalog-1": %b}' % counted)]
    expected = Counters(1, 10, 2, (0, 7, 0, 0, 3), (4, 6), 0.5)
    assert await control.counters("catalog") == {"catalog-1": expected}
    assert nginx.seen == [("GET /counters?service=catalog", b"")]


def test_both_sides_know_the_same_bounds_of_latency() -> None:
    lua = (LUA / "hot.lua").read_text()
    bounds = re.search(r"^local BOUNDS = \{ ([\d, ]+) \}$", lua, re.MULTILINE)
    assert bounds
    assert tuple(int(ms) / 1000 for ms in bounds[1].split(", ")) == LATENCY_BOUNDS


@pytest.mark.parametrize("polite", [True, False])
async def test_a_connection_that_nginx_closed_is_made_anew(
    nginx: FakeNginx, control: Control, polite: bool
) -> None:
    """Closed while idle, or in the middle of the second request."""
    nginx.close_after_answer = polite
    nginx.answers = [(200, OK), (200, OK)] if polite else [(200, OK), None, (200, OK)]
    assert await control.put("catalog", b"1") == 18
    assert await control.put("catalog", b"2") == 18
    assert nginx.connections == 2


async def test_a_new_connection_that_breaks_is_an_error(nginx: FakeNginx, control: Control) -> None:
    nginx.answers = [None]
    with pytest.raises(ProxyError, match="could not be asked for PUT /services/catalog"):
        await control.put("catalog", b"1")
    assert len(nginx.seen) == 1


async def test_a_refusal_tells_why(nginx: FakeNginx, control: Control) -> None:
    nginx.answers = [(400, b'{"error": "routes: not a list"}')]
    with pytest.raises(ProxyError, match=r"refused PUT .* with 400: .*routes: not a list"):
        await control.put("catalog", b"1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"generation": "x"}', b"\xff"])
async def test_another_answer_is_an_error(nginx: FakeNginx, control: Control, body: bytes) -> None:
    nginx.answers = [(200, body)]
    with pytest.raises(ProxyError, match="something else"):
        await control.put("catalog", b"1")


async def test_silence_is_an_error_and_the_late_answer_is_never_read(nginx: FakeNginx) -> None:
    control = Control(nginx.socket, timeout=0.1)
    nginx.pause = 0.5
    with pytest.raises(ProxyError, match=r"did not answer GET /info in 0\.1 s"):
        await control.info()
    nginx.pause = 0.0
    assert await control.put("catalog", b"1") == 18
    control.close()


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="cannot connect"):
        await Control(tmp_path / "none.sock").info()


async def test_an_endless_answer_is_cut(
    nginx: FakeNginx, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "MOST_ANSWER", 100)
    nginx.answers = [(200, b" " * 1000)]
    with pytest.raises(ProxyError, match="longer than 100 bytes"):
        await control.info()


async def test_many_at_once_take_turns(nginx: FakeNginx, control: Control) -> None:
    nginx.answers = [(200, b'{"generation": %d}' % n) for n in range(1, 21)]
    puts = [control.put("catalog", b"%d" % n) for n in range(1, 21)]
    assert await asyncio.gather(*puts) == list(range(1, 21))
    assert nginx.connections == 1


async def test_a_cancelled_request_does_not_shift_the_answers(
    nginx: FakeNginx, control: Control
) -> None:
    nginx.answers = [(200, b'{"generation": 1}'), (200, b'{"generation": 2}')]
    nginx.pause = 0.2
    first = asyncio.create_task(control.put("catalog", b"1"))
    await until(lambda: nginx.seen)
    first.cancel()
    await asyncio.wait([first])
    assert await control.put("catalog", b"2") == 2


@pytest.mark.parametrize("name", ["../info", "a b", "a\r\nX: y", ""])
async def test_a_hostile_name_is_never_sent(nginx: FakeNginx, control: Control, name: str) -> None:
    for ask in (control.delete, control.counters, lambda n: control.put(n, b"1")):
        with pytest.raises(ProxyError, match="refused"):
            await ask(name)
    assert nginx.seen == []
