from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import PlatformError
from fairlead.core.model import FixedEndpoint, Phase, Service
from fairlead.platforms.fixed import FixedPlatform, endpoint_id, is_address, system_addresses
from tests.ground import until
from tests.stub_edges import StubClock

LITERAL = Service("catalog", endpoints=(FixedEndpoint("10.0.0.5", 8080, weight=3),))
NAMED = Service("catalog", endpoints=(FixedEndpoint("db.internal", 8080),))


@dataclass
class Names:
    """A name server in memory. `gate` holds answers back while it is clear."""

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def resolve(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        await self.gate.wait()
        if host not in self.known:
            raise socket.gaierror(-2, "Name or service not known")
        return self.known[host]


@dataclass
class Here:
    names: Names
    clock: StubClock
    notified: list[str]
    platform: FixedPlatform


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    names, clock, notified = Names({"db.internal": ("10.0.0.5", "10.0.0.6")}), StubClock(), []
    names.gate.set()
    platform = FixedPlatform(notified.append, clock, names.resolve, refresh=0.02)
    yield Here(names, clock, notified, platform)
    await platform.close()


async def test_an_address_is_an_endpoint_as_it_is(here: Here) -> None:
    sighting = await here.platform.observe([LITERAL])
    (endpoint,) = sighting.endpoints
    assert sighting.complete
    assert (endpoint.id, endpoint.address, endpoint.port) == (
        ("catalog-10.0.0.5-8080", "10.0.0.5", 8080)
    )
    assert (endpoint.weight, endpoint.pid, endpoint.phase) == (3, None, Phase.RUNNING)
    assert endpoint.revision == LITERAL.revision
    assert here.names.asked == []


async def test_it_was_started_when_it_was_first_seen(here: Here) -> None:
    before = (await here.platform.observe([LITERAL])).endpoints
    here.clock.time += 60
    assert (await here.platform.observe([LITERAL])).endpoints == before


async def test_each_address_of_a_name_is_an_endpoint(here: Here) -> None:
    sighting = await here.platform.observe([NAMED])
    assert sighting.complete
    assert [e.id for e in sighting.endpoints] == ["catalog-10.0.0.5-8080", "catalog-10.0.0.6-8080"]
    assert {e.node for e in sighting.endpoints} == {"db.internal"}


async def test_one_place_named_twice_is_one_endpoint(here: Here) -> None:
    both = Service("catalog", endpoints=(*LITERAL.endpoints, *NAMED.endpoints))
    sighting = await here.platform.observe([both])
    assert [e.weight for e in sighting.endpoints] == [3, 1]


async def test_other_services_are_none_of_its_business(here: Here) -> None:
    sighting = await here.platform.observe([Service("alerts", run=("sleep", "1"))])
    assert (sighting.endpoints, sighting.complete) == ((), True)
    assert await here.platform.nodes() == ()
    with pytest.raises(PlatformError, match="none can be started"):
        await here.platform.start(LITERAL)


async def test_a_slow_name_server_holds_up_nobody(here: Here) -> None:
    here.names.gate.clear()
    both = Service("catalog", endpoints=(*NAMED.endpoints, FixedEndpoint("10.0.0.9", 80)))
    async with asyncio.timeout(5):
        sighting = await here.platform.observe([both])
    assert [e.address for e in sighting.endpoints] == ["10.0.0.9"]
    assert not sighting.complete
    assert sighting.problem == "db.internal: not resolved yet"
    here.names.gate.set()
    await until(lambda: here.notified == ["catalog"])
    sighting = await here.platform.observe([both])
    assert sighting.complete
    assert len(sighting.endpoints) == 3


async def test_a_name_that_is_not_known_is_told_and_hides_no_other(here: Here) -> None:
    both = Service("catalog", endpoints=(*LITERAL.endpoints, FixedEndpoint("no.such", 80)))
    sighting = await here.platform.observe([both])
    assert [e.address for e in sighting.endpoints] == ["10.0.0.5"]
    assert not sighting.complete
    assert "no.such cannot be resolved (Name or service not known)" in sighting.problem


async def test_a_failed_refresh_keeps_the_last_addresses_and_says_so(here: Here) -> None:
    before = (await here.platform.observe([NAMED])).endpoints
    addresses = here.names.known.pop("db.internal")
    here.notified.clear()
    await until(lambda: here.notified == ["catalog"], "the failure told")
    sighting = await here.platform.observe([NAMED])
    assert sighting.endpoints == before
    assert not sighting.complete
    here.names.known["db.internal"] = addresses
    await until(lambda: here.notified == ["catalog", "catalog"], "the recovery told")
    assert (await here.platform.observe([NAMED])).complete


async def test_a_refresh_brings_new_addresses(here: Here) -> None:
    await here.platform.observe([NAMED])
    here.notified.clear()
    here.names.known["db.internal"] = ("10.0.0.6", "10.0.0.7")
    await until(lambda: here.notified == ["catalog"])
    sighting = await here.platform.observe([NAMED])
    listed = {e.address: bool(e.revision) for e in sighting.endpoints}
    assert listed == {"10.0.0.5": False, "10.0.0.6": True, "10.0.0.7": True}


async def test_the_same_answer_wakes_nobody(here: Here) -> None:
    await here.platform.observe([NAMED])
    here.notified.clear()
    await until(lambda: len(here.names.asked) > 5)
    assert here.notified == []


async def test_a_name_that_nobody_asks_for_is_dropped(here: Here) -> None:
    await here.platform.observe([NAMED])
    await until(lambda: not here.platform._names, "the name dropped")
    assert (await here.platform.observe([NAMED])).complete


async def test_a_stopped_one_stays_away_until_reset(here: Here) -> None:
    first, second = (await here.platform.observe([NAMED])).endpoints
    here.notified.clear()
    await here.platform.stop(first, 10)
    assert here.notified == ["catalog"]
    stopped, other = (await here.platform.observe([NAMED])).endpoints
    assert (stopped.id, stopped.phase) == (first.id, Phase.EXITED)
    assert "run elsewhere" in stopped.exit
    assert other == second
    await here.platform.forget(stopped)
    assert (await here.platform.observe([NAMED])).endpoints == (second,)
    here.platform.reset("catalog")
    assert (await here.platform.observe([NAMED])).endpoints == (first, second)


async def test_close_ends_a_lookup_that_hangs(here: Here) -> None:
    here.names.gate.clear()
    await here.platform.observe([NAMED])
    async with asyncio.timeout(5):
        await here.platform.close()
    assert len(asyncio.all_tasks()) == 1


async def test_the_system_knows_localhost_by_one_family() -> None:
    addresses = await system_addresses("localhost")
    assert addresses in {("127.0.0.1",), ("::1",)}


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".invalid", "a..b"])
async def test_names_that_cannot_be_are_told(host: str) -> None:
    platform = FixedPlatform(lambda _: None, StubClock())
    service = Service("catalog", endpoints=(FixedEndpoint(host, 80),))
    end = asyncio.get_running_loop().time() + 20
    sighting = await platform.observe([service])
    while "cannot be resolved" not in sighting.problem:
        assert asyncio.get_running_loop().time() < end
        sighting = await platform.observe([service])
        await asyncio.sleep(0.01)
    assert not sighting.complete
    await platform.close()


@given(st.ip_addresses().map(str), st.integers(1, 65535))
def test_ids_fit_every_place_where_ids_go(address: str, port: int) -> None:
    assert is_address(address.partition("%")[0])
    assert re.fullmatch(r"catalog-[a-z0-9.-]+", endpoint_id("catalog", address, port))


@pytest.mark.parametrize("host", ["db", "db.internal", "10.0.0", "1.2.3.4.5", "", "a:b", "x\0"])
def test_names_are_no_addresses(host: str) -> None:
    assert not is_address(host)


async def test_one_no_longer_listed_is_a_leaver_until_it_is_forgotten(here: Here) -> None:
    one = LITERAL
    both = Service("catalog", endpoints=(*LITERAL.endpoints, FixedEndpoint("10.0.0.6", 80)))
    await here.platform.observe([both])
    stays, goes = (await here.platform.observe([one])).endpoints
    assert (stays.revision, goes.revision) == (one.revision, "")
    await here.platform.stop(goes, 1.0)
    _, gone = (await here.platform.observe([one])).endpoints
    assert gone.phase is Phase.EXITED
    await here.platform.forget(gone)
    assert len((await here.platform.observe([one])).endpoints) == 1
    assert len((await here.platform.observe([both])).endpoints) == 2


async def test_one_that_is_listed_anew_is_in_use_again(here: Here) -> None:
    two = FixedEndpoint("10.0.0.6", 8080)
    both = Service("catalog", endpoints=(*LITERAL.endpoints, two))
    left = next(e for e in (await here.platform.observe([both])).endpoints if "6" in e.id)
    await here.platform.stop(left, 1.0)
    await here.platform.forget(left)
    assert left.id not in {e.id for e in (await here.platform.observe([both])).endpoints}
    await here.platform.observe([LITERAL])
    again = {e.id: e.phase for e in (await here.platform.observe([both])).endpoints}
    assert again[left.id] is Phase.RUNNING
