"""What every proxy holds to; one body over all of them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fairlead.core.errors import ProxyError
from fairlead.core.model import Entry, EntryState, Waits
from fairlead.ports import Proxy
from tests.ground import need_nginx
from tests.proxies.nginx.ground import Ground, endpoint, table
from tests.proxies.plain.ground import plain_ground

pytestmark = pytest.mark.integration

AWAY = Entry("away", "127.0.0.1", 9)


@dataclass
class World:
    """A proxy that serves. `get` asks it for a service as a client; `reopen` lets go of it and
    opens another on what it left. `reloads`: it takes a table by a reload; `counts`: requests."""

    proxy: Proxy
    get: Callable[[str], Awaitable[tuple[int, str]]]
    reopen: Callable[[], Awaitable[Proxy]]
    reloads: bool = False
    counts: bool = True


async def nginx_world(tmp_path: Path) -> AsyncIterator[World]:
    need_nginx()
    ground = Ground(tmp_path / "s")
    await ground.proxy.start()

    async def reopen() -> Proxy:
        await ground.proxy.close()
        await ground.another().start()
        return ground.proxy

    yield World(ground.proxy, ground.get, reopen)
    await ground.proxy.stop()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def plain_world(tmp_path: Path) -> AsyncIterator[World]:
    async with plain_ground(tmp_path / "nginx") as ground:
        await ground.proxy.start()

        async def reopen() -> Proxy:
            await ground.proxy.close()
            await ground.another().start()
            return ground.proxy

        yield World(ground.proxy, ground.get, reopen, reloads=True, counts=False)


WORLDS = {"nginx": nginx_world, "plain": plain_world}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async for each in WORLDS[request.param](tmp_path):
        yield each


async def test_it_begins_with_nothing(world: World) -> None:
    assert await world.proxy.read() == {}
    assert (await world.get("catalog"))[0] == 404


async def test_reads_what_was_pushed(world: World) -> None:
    tables = {
        "catalog": table("catalog", AWAY, replace(AWAY, id="b", state=EntryState.DRAINING), hold=0),
        "accounts": table("accounts"),
    }
    for each in tables.values():
        await world.proxy.push(each)
    assert await world.proxy.read() == tables


async def test_requests_follow_the_push_that_returned(world: World) -> None:
    async with endpoint("one") as one, endpoint("two") as two:
        await world.proxy.push(table("catalog", one))
        assert await world.get("catalog") == (200, "one")
        await world.proxy.push(table("catalog", replace(one, state=EntryState.DRAINING), two))
        for _ in range(5):
            assert await world.get("catalog") == (200, "two")


async def test_the_generation_grows_with_what_is_accepted(world: World) -> None:
    seen = [await world.proxy.push(table("catalog", replace(AWAY, weight=w))) for w in (1, 2, 3)]
    seen.append(await world.proxy.drop("catalog"))
    assert seen == sorted(set(seen))
    assert (await world.proxy.info()).generation == seen[-1]


async def test_what_was_dropped_is_gone_and_may_be_dropped_again(world: World) -> None:
    await world.proxy.push(table("catalog", AWAY))
    for _ in range(2):
        await world.proxy.drop("catalog")
    assert await world.proxy.read() == {}
    assert (await world.get("catalog"))[0] == 404


async def test_counts_by_endpoint_for_every_entry(world: World) -> None:
    async with endpoint("one") as one:
        await world.proxy.push(table("catalog", one, replace(AWAY, state=EntryState.DOWN)))
        await world.get("catalog")
        counted = await world.proxy.counters("catalog")
    known = {"one": 1, "away": 0} if world.counts else {}
    assert {id_: c.requests for id_, c in counted.items()} == known


async def test_counts_nothing_for_a_service_that_it_does_not_know(world: World) -> None:
    assert await world.proxy.counters("catalog") == {}


async def test_a_new_entry_begins_at_zero(world: World) -> None:
    async with endpoint("one") as one, endpoint("two") as two:
        await world.proxy.push(table("catalog", one))
        await world.get("catalog")
        await world.proxy.push(table("catalog"))
        await world.proxy.push(table("catalog", two))
        counted = await world.proxy.counters("catalog")
        assert {id_: c.requests for id_, c in counted.items()} == (
            {"two": 0} if world.counts else {}
        )


async def test_let_go_of_it_serves_on_and_the_next_one_knows_its_table(world: World) -> None:
    async with endpoint("one") as one:
        await world.proxy.push(table("catalog", one))
        before = (await world.proxy.info()).reloads
        again = await world.reopen()
        assert await world.get("catalog") == (200, "one")
        assert await again.read() == {"catalog": table("catalog", one)}
        assert (await again.info()).reloads == before
        assert (before > 0) == world.reloads


@pytest.mark.parametrize("name", ["../up", "a b", "A", ""])
async def test_a_hostile_name_is_refused(world: World, name: str) -> None:
    with pytest.raises(ProxyError):
        await world.proxy.push(replace(table("catalog", AWAY), service=name))
    assert await world.proxy.read() == {}


async def test_nobody_has_waited_for_what_was_served(world: World) -> None:
    async with endpoint("one") as one:
        await world.proxy.push(table("catalog", one))
        assert await world.get("catalog") == (200, "one")
        assert await world.proxy.waits("catalog") == Waits()
        assert await world.proxy.waits("unknown") == Waits()
