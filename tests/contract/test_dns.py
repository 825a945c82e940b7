"""What every DNS provider does, alike: files, real servers, and the two APIs as strict fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from fairlead.core.dns import Change, DnsNode, Problem, Record, Rules, owner_name
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import BadInput, DnsError
from fairlead.ports import DnsProvider
from tests.contract.dns_worlds import WORLDS, World

NAME, OTHER, MAIL = "shop.example.com", "api.example.com", "mail.example.com"


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with WORLDS[request.param](request.getfixturevalue) as each:
        yield each


async def unfenced() -> None:
    """Whoever may write."""


def nodes(*numbers: int) -> list[DnsNode]:
    return [DnsNode(f"n{n}", f"10.0.1.{n}") for n in numbers]


def addresses(*numbers: int) -> set[str]:
    return {f"10.0.1.{n}" for n in numbers}


class Hand:
    """Plans and applies at some names, as the keeper does."""

    def __init__(self, world: World, *names: str, cluster: str = "shop", adopt: bool = False):
        self.names = names or (NAME,)
        self.provider: DnsProvider = world.open()
        self.rules = Rules(cluster, world.ttl, most=1.0, adopt=adopt, form=world.form)

    async def planned(self, *numbers: int) -> Plan:
        records = await self.provider.read(self.names)
        return plan(self.names, nodes(*numbers), records, self.rules)

    async def apply(self, changes: Iterable[Change]) -> tuple[Problem, ...]:
        return await self.provider.apply(tuple(changes), unfenced)

    async def name(self, *numbers: int) -> None:
        made = await self.planned(*numbers)
        assert made.problems == ()
        assert await self.apply(made.changes) == ()
        assert await self.planned(*numbers) == Plan(), "what was written is not what is read"


async def test_nothing_is_read_where_nothing_is(world: World) -> None:
    assert await Hand(world).provider.read([NAME, OTHER]) == ()


async def test_nodes_come_and_go_and_come_back(world: World) -> None:
    hand = Hand(world)
    for numbers in ((1,), (1, 2, 3), (2, 3), (4, 5), (1, 2, 3, 4, 5), (5,)):
        await hand.name(*numbers)
        assert await world.there(NAME) == addresses(*numbers)
    again = Hand(world)
    assert await again.planned(5) == Plan(), "another process reads the same"


@pytest.mark.parametrize("world", [w for w in WORLDS if "proxied" not in w], indirect=True)
async def test_ttls_are_put_right(world: World) -> None:
    hand = Hand(world)
    await hand.name(1, 2)
    hand.rules = Rules("shop", world.ttl * 2, form=world.form)
    await hand.name(1, 2)
    records = await hand.provider.read([NAME])
    assert {r.ttl for r in records if r.kind == "A"} == {world.ttl * 2}


async def test_both_kinds_of_addresses(world: World) -> None:
    hand = Hand(world)
    mixed = [*nodes(1), DnsNode("six", "2001:db8::6")]
    for wanted in (mixed, mixed[1:], mixed):
        records = await hand.provider.read([NAME])
        made = plan([NAME], wanted, records, hand.rules)
        assert await hand.apply(made.changes) == ()
        records = await hand.provider.read([NAME])
        assert plan([NAME], wanted, records, hand.rules) == Plan()


async def test_the_owner_is_kept_when_addresses_change(world: World) -> None:
    hand = Hand(world)
    await hand.name(1)
    await hand.name(2)
    owners = [r for r in await hand.provider.read([NAME]) if r.kind == "TXT"]
    assert [owner.name for owner in owners] == [owner_name(NAME)]
    refused = await Hand(world, cluster="other").planned(2)
    assert refused.changes == ()
    assert "belongs to the cluster shop" in refused.problems[0].message


async def test_others_records_are_seen_refused_and_left_as_they_are(world: World) -> None:
    await world.put(NAME, "10.9.0.1")
    hand = Hand(world, NAME, OTHER)
    made = await hand.planned(1)
    assert [problem.name for problem in made.problems] == [NAME]
    assert "10.9.0.1" in made.problems[0].message
    assert await hand.apply(made.changes) == ()
    assert await world.there(NAME) == {"10.9.0.1"}
    assert await world.there(OTHER) == addresses(1)
    assert await world.there(MAIL) == {"10.9.9.9"}


async def test_what_changed_since_it_was_read_is_not_overwritten(world: World) -> None:
    hand = Hand(world)
    await hand.name(1, 2)
    made = await hand.planned(2, 3)
    await world.put(NAME, "10.9.0.1")
    problems = await hand.apply(made.changes)
    assert [problem.name for problem in problems] == [NAME]
    assert "10.9.0.1" in await world.there(NAME)


async def test_what_appeared_since_it_was_read_is_not_overwritten(world: World) -> None:
    hand = Hand(world)
    stale = Record(NAME, "A", ("10.0.1.9",), world.ttl, *_identity(world, "10.0.1.9"))
    made = await hand.planned(1)
    await hand.name(1)
    problems = await hand.apply(made.changes)
    assert [problem.name for problem in problems] == [NAME]
    (gone,) = await hand.apply([Change(NAME, stale, None)])
    assert gone.name == NAME
    assert await world.there(NAME) == addresses(1)


def _identity(world: World, address: str) -> tuple[str, str]:
    return (f"fairlead:{address}" if world.form.each else "", world.form.routing)


async def test_one_bad_name_does_not_block_the_rest(world: World) -> None:
    names = [f"s{n}.example.com" for n in range(5)]
    hand = Hand(world, *names)
    await hand.name(1)
    made = await hand.planned(1, 2)
    bad = Record("s2.example.com", "A", ("10.7.7.7",), world.ttl, *_identity(world, "10.7.7.7"))
    spoilt = [
        Change(c.host, bad, c.after) if c.host == "s2.example.com" else c for c in made.changes
    ]
    problems = await hand.apply(spoilt)
    assert [problem.name for problem in problems] == ["s2.example.com"]
    for name in names:
        wanted = addresses(1) if name == "s2.example.com" else addresses(1, 2)
        assert await world.there(name) == wanted


async def test_many_names_and_many_nodes(world: World) -> None:
    names = [f"s{n}.example.com" for n in range(30)]
    hand = Hand(world, *names)
    await hand.name(*range(1, 11))
    await hand.name(*range(6, 16))
    assert await world.there("s29.example.com") == addresses(*range(6, 16))


class Deposed(BadInput):
    """As of a lease that was lost."""


async def test_nothing_is_written_once_the_fence_is_closed(world: World) -> None:
    hand = Hand(world)
    made = await hand.planned(1)

    async def fence() -> None:
        raise Deposed("another controller leads")

    with pytest.raises(Deposed):
        await hand.provider.apply(made.changes, fence)
    assert await world.there(NAME) == set()


async def test_a_place_that_is_away_is_told_and_used_again(world: World) -> None:
    hand = Hand(world)
    await hand.name(1)
    made = await hand.planned(1, 2)
    await world.away()
    with pytest.raises(DnsError):
        await hand.provider.read([NAME])
    with pytest.raises(DnsError):
        await hand.apply(made.changes)
    await world.back()
    await hand.name(1, 2)
    assert await world.there(NAME) == addresses(1, 2)


async def test_of_two_writers_of_the_same_change_one_fails(world: World) -> None:
    await Hand(world).name(1)
    one, two = Hand(world), Hand(world)
    first, second = await one.planned(2), await two.planned(3)
    outcomes = await asyncio.gather(one.apply(first.changes), two.apply(second.changes))
    assert sorted(map(len, outcomes)) == [0, 1]
    winner = 2 if not outcomes[0] else 3
    assert await world.there(NAME) == addresses(winner)


async def test_a_name_is_taken_over_when_told_to(world: World) -> None:
    await world.put(NAME, "10.9.0.1")
    hand = Hand(world, adopt=True)
    made = await hand.planned(1)
    assert await hand.apply(made.changes) == ()
    assert await world.there(NAME) == addresses(1) | (set() if world.yields else {"10.9.0.1"})
    assert await Hand(world).planned(1) == Plan()
