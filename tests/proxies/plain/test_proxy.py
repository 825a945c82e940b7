"""Somebody else's nginx, changed by files and reloads: nothing lost, nothing half done."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead import procfs
from fairlead.core.errors import Busy, Missing, ProxyError
from fairlead.core.model import Entry, EntryState, Route, ServiceTable
from fairlead.proxies.plain.written import parse
from tests.ground import free_port, until
from tests.proxies.nginx.ground import endpoint, table
from tests.proxies.plain.ground import PlainGround, plain_ground

pytestmark = pytest.mark.integration

AWAY = Entry("away", "127.0.0.1", 9)


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[PlainGround]:
    async with plain_ground(tmp_path / "nginx") as made:
        await made.proxy.start()
        yield made


def draining(entry: Entry) -> Entry:
    return replace(entry, state=EntryState.DRAINING)


async def reloads(ground: PlainGround) -> int:
    return (await ground.proxy.info()).reloads


async def test_changes_that_come_together_cost_one_reload(ground: PlainGround) -> None:
    before = await reloads(ground)
    names = [f"s{n}" for n in range(20)]
    async with endpoint("one") as one:
        await asyncio.gather(*(ground.proxy.push(table(name, one)) for name in names))
        assert await reloads(ground) == before + 1
        assert [await ground.get(name) for name in names] == [(200, "one")] * 20


async def test_reloads_keep_their_distance(tmp_path: Path) -> None:
    async with plain_ground(tmp_path / "nginx", debounce=1.0) as ground:
        await ground.proxy.start()
        loop, before = asyncio.get_running_loop(), await reloads(ground)
        await ground.proxy.push(table("catalog", AWAY))
        began = loop.time()
        weights = range(2, 12)
        pushes = [ground.proxy.push(table("catalog", replace(AWAY, weight=w))) for w in weights]
        await asyncio.gather(*pushes)
        assert loop.time() - began > 0.5
        assert await reloads(ground) == before + 2
        assert "weight=11 " in ground.text()


async def test_when_a_push_returns_no_worker_of_before_takes_requests(ground: PlainGround) -> None:
    """The new ones start 100 ms before the old ones end: a first answer is not enough."""
    for weight in range(1, 4):
        before = ground.proxy.nginx.accepting()
        await ground.proxy.push(table("catalog", replace(AWAY, weight=weight)))
        after = ground.proxy.nginx.accepting()
        assert before
        assert after
        assert not before & after


async def test_what_changes_nothing_in_nginx_costs_no_reload(ground: PlainGround) -> None:
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one, draining(AWAY)))
        before = await reloads(ground)
        await ground.proxy.push(table("catalog", one))
        later = table("catalog", replace(one, ready_at=5.0))
        await ground.proxy.push(later)
        assert await reloads(ground) == before
        assert await ground.proxy.read() == {"catalog": later}


async def test_a_configuration_that_nginx_refuses_leaves_the_old_one(ground: PlainGround) -> None:
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one))
        text, other = ground.text(), ground.sites / "zz.conf"
        other.write_text("upstream alerts { server 127.0.0.1:9; }")
        with pytest.raises(ProxyError, match=r"duplicate upstream.*alerts"):
            await ground.proxy.push(table("alerts", one))
        assert ground.text() == text
        assert await ground.get("catalog") == (200, "one")
        other.unlink()
        await ground.proxy.push(table("alerts", one))
        assert await ground.get("alerts") == (200, "one")


async def test_a_reload_that_nginx_does_not_follow_leaves_the_old_files(
    ground: PlainGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`nginx -t` does not mind a port that is taken; only the reload fails, and only in the log."""
    async with endpoint("one") as one, endpoint("in the way") as taken:
        await ground.proxy.push(table("catalog", one))
        text, front = ground.text(), ground.front
        with monkeypatch.context() as patch:
            patch.setattr("fairlead.proxies.plain.nginx.CONFIRM_TIMEOUT", 0.5)
            with pytest.raises(ProxyError, match="did not take up"):
                await ground.proxy.configure(
                    replace(front, listen=(*front.listen, f"127.0.0.1:{taken.port}"))
                )
        assert ground.text() == text
        await ground.proxy.push(table("catalog", one, AWAY))
        assert await ground.get("catalog") == (200, "one")


async def test_it_says_what_is_missing(tmp_path: Path) -> None:
    async with plain_ground(tmp_path / "nginx") as ground:
        ground.conf.write_text(ground.conf.read_text().replace("include", "# include"))
        ground.plain = replace(ground.plain, reload=("true",))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("fairlead.proxies.plain.nginx.CONFIRM_TIMEOUT", 0.3)
            with pytest.raises(ProxyError, match="did not take up"):
                await ground.another().start()
        assert not (ground.sites / "fairlead.conf").exists()
        ground.plain = replace(ground.plain, binary=("/no/such/nginx",))
        with pytest.raises(Missing, match=r"proxy\.binary"):
            await ground.another().start()
        ground.plain = replace(ground.plain, upstreams=str(tmp_path / "no" / "x.conf"))
        with pytest.raises(ProxyError, match=r"proxy\.upstreams"):
            await ground.another().start()


async def test_an_untested_file_of_a_fairlead_that_was_killed_is_taken_back(
    ground: PlainGround,
) -> None:
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one))
        await ground.proxy.close()
        ground.proxy._file.replace("nonsense {")
        await ground.another().start()
        assert await ground.get("catalog") == (200, "one")
        assert await ground.proxy.read() == {"catalog": table("catalog", one)}


async def test_a_file_that_nginx_was_not_told_of_is_made_true_at_the_start(
    ground: PlainGround,
) -> None:
    """Killed between the test and the reload: the file is good, and nginx does not serve it."""
    async with endpoint("one") as one, endpoint("two") as two:
        await ground.proxy.push(table("catalog", one))
        old = ground.text()
        await ground.proxy.push(table("catalog", two))
        new = ground.text()
        (ground.sites / "fairlead.conf").write_text(old)
        before = ground.proxy.nginx.accepting()
        await ground.proxy.nginx.reload()
        await ground.proxy.nginx.follow(parse(old).generation, before)
        (ground.sites / "fairlead.conf").write_text(new)
        await ground.proxy.close()
        await ground.another().start()
        assert await ground.get("catalog") == (200, "two")


@pytest.mark.parametrize("spoil", ["", "upstream catalog { server 127.0.0.1:9; }", None])
async def test_a_file_that_others_spoiled_is_written_again_by_the_next_push(
    ground: PlainGround, spoil: str | None
) -> None:
    async with endpoint("one") as one:
        wanted = table("catalog", one)
        await ground.proxy.push(wanted)
        path = ground.sites / "fairlead.conf"
        path.unlink() if spoil is None else path.write_text(spoil)
        live = await ground.proxy.read()
        assert live == {}
        await ground.proxy.push(wanted)
        assert await ground.get("catalog") == (200, "one")
        assert "weight=1 max_fails=0;" in ground.text()


async def test_a_second_fairlead_is_refused_for_the_same_file(ground: PlainGround) -> None:
    first = ground.proxy
    with pytest.raises(Busy, match=r"fairlead\.conf"):
        await ground.another().start()
    ground.proxy = first


async def test_a_service_without_endpoints_has_an_upstream_and_says_503(
    tmp_path: Path,
) -> None:
    async with plain_ground(tmp_path / "nginx") as ground:
        await ground.proxy.start([table("catalog")])
        assert "upstream catalog {" in ground.text()
        assert (await ground.get("catalog"))[0] == 503


async def test_a_refused_connection_goes_to_another_endpoint(ground: PlainGround) -> None:
    dead = [Entry(f"dead{n}", "127.0.0.1", free_port()) for n in range(2)]
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one, *dead))
        assert {await ground.get("catalog") for _ in range(50)} == {(200, "one")}


async def test_a_service_all_of_whose_endpoints_refused_answers_as_soon_as_one_does(
    ground: PlainGround,
) -> None:
    """With max_fails nginx would go on saying that there are no live upstreams."""
    port = free_port()
    dead = Entry("dead", "127.0.0.1", free_port())
    await ground.proxy.push(table("catalog", Entry("a", "127.0.0.1", port), dead))
    for _ in range(10):
        assert (await ground.get("catalog"))[0] == 502

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        assert await ground.get("catalog") == (200, "ok")


async def test_hosts_and_paths_lead_where_fairleads_routes_say(ground: PlainGround) -> None:
    routes = {
        "any": (Route("*"), Route("*", "/deep"), Route("*", "/api/inner")),
        "wild": (Route("*.localhost", "/wild"),),
        "exact": (Route("a.localhost", "/api"), Route("a.localhost", "/deep/er")),
    }
    async with endpoint("any") as any_, endpoint("wild") as wild, endpoint("exact") as exact:
        for one in (any_, wild, exact):
            await ground.proxy.push(ServiceTable(one.id, routes[one.id], (one,)))
        cases = {
            ("a", "/api"): "exact", ("a", "/api/inner"): "exact", ("a", "/apis"): "any",
            ("a", "/deep"): "any", ("a", "/deep/er/x"): "exact", ("a", "/wild"): "wild",
            ("b", "/wild/x"): "wild", ("b", "/wilder"): "any", ("b.c", "/wild"): "any",
            ("b", "/api"): "any",
        }  # fmt: skip
        got = {case: (await ground.get(*case))[1] for case in cases}
        assert got == cases


async def test_strip_takes_the_path_off(ground: PlainGround) -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        entry = Entry("one", "127.0.0.1", server.sockets[0].getsockname()[1])
        route = Route("catalog.localhost", "/api", strip=True)
        await ground.proxy.push(ServiceTable("catalog", (route,), (entry,)))
        for path in ("/api", "/api/items?x=%20", "/api/a%2Fb"):
            await ground.get("catalog", path)
    assert heard == [b"/", b"/items?x=%20", b"/a/b"]


async def test_a_drain_is_over_when_the_last_worker_that_knew_the_endpoint_has_ended(
    ground: PlainGround,
) -> None:
    go_on = asyncio.Event()
    async with endpoint("slow", go_on.wait) as slow, endpoint("one") as one:
        await ground.proxy.push(table("catalog", slow))
        asked = asyncio.create_task(ground.get("catalog"))
        await until(lambda: connected(slow.port), "the request is under way")
        await ground.proxy.push(table("catalog", draining(slow), one))
        assert await ground.get("catalog") == (200, "one")
        assert await ground.proxy.counters("catalog") == {}
        assert not await ground.proxy.follows("catalog")
        go_on.set()
        assert await asked == (200, "slow")
        await until(lambda: ground.proxy.follows("catalog"), "the old worker has ended")
        (counted,) = (await ground.proxy.counters("catalog")).items()
        assert (counted[0], counted[1].in_flight) == ("slow", 0)


def connected(port: int) -> bool:
    """A connection to this port is open (state 01 in proc_net(5))."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(f.split()[2].endswith(f":{port:04X}") and f.split()[3] == "01" for f in lines)


async def test_stop_takes_the_endpoints_out_and_leaves_nginx(ground: PlainGround) -> None:
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one))
        await ground.proxy.stop()
        assert (await ground.get("catalog"))[0] == 503


async def test_where_others_end_the_endpoints_stop_leaves_all_as_it_is(ground: PlainGround) -> None:
    ground.proxy._withdraw = False
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one))
        await ground.proxy.stop()
        assert await ground.get("catalog") == (200, "one")


async def test_an_nginx_that_was_started_anew_serves_the_same(ground: PlainGround) -> None:
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one))
        before = await ground.proxy.info()
        ground.end()
        await ground.run()
        assert await ground.proxy.read() == {"catalog": table("catalog", one)}
        after = await ground.proxy.info()
        assert (after.generation, after.reloads) == (before.generation, before.reloads)
        assert after.pid != before.pid
        assert await ground.get("catalog") == (200, "one")


async def test_where_workers_cannot_be_seen_nothing_is_said_of_what_is_in_flight(
    ground: PlainGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when nginx runs in a container of its own."""
    monkeypatch.setattr(procfs, "command_line", lambda _: "")
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one, draining(AWAY)))
        assert await ground.get("catalog") == (200, "one")
        assert await ground.proxy.counters("catalog") == {}
        assert not await ground.proxy.follows("catalog")


async def test_a_worker_that_dies_is_no_reload(ground: PlainGround) -> None:
    async with endpoint("one") as one:
        await ground.proxy.push(table("catalog", one))
        (worker,) = ground.proxy.nginx.accepting()
        os.kill(worker, signal.SIGKILL)
        await until(lambda: ground.proxy.nginx.accepting() - {worker}, "another one is there")
        await ground.proxy.push(table("catalog", one, AWAY))
        assert await ground.get("catalog") == (200, "one")
