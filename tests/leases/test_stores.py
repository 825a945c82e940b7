"""One body of tests over every store of a lease."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairlead.clock import SystemClock
from fairlead.core.errors import BadInput, LeaseError
from fairlead.core.lease import Lease, given_back, renewed
from fairlead.core.model import Cluster, ControllerPlace
from fairlead.leases.dynamodb import DynamoLease, open_lease
from fairlead.leases.file import FileLease
from fairlead.ports import LeaseStore
from fairlead.wiring import lease_store
from tests.leases.dynamo import REGION, TABLE, Dynamo

New = Callable[[], LeaseStore]
"""Another contender's view of the same record."""
FIRST = Lease("a", 1, 0)


@pytest.fixture(scope="module")
def dynamo() -> Iterator[Dynamo]:
    made = Dynamo()
    yield made
    made.close()


@pytest.fixture
def at_aws(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamo.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


names = (f"cluster-{number}" for number in itertools.count())


@pytest.fixture(params=["file", "dynamodb"])
def new(request: pytest.FixtureRequest, tmp_path: Path) -> New:
    if request.param == "file":
        return lambda: FileLease(tmp_path / "deep" / "lease.json")
    request.getfixturevalue("at_aws")
    cluster = next(names)
    place = f"dynamodb:{REGION}/{TABLE}"
    return lambda: open_lease(place, Cluster(cluster), SystemClock())


async def test_there_is_none_at_first_and_then_the_one_that_was_put(new: New) -> None:
    store, other = new(), new()
    assert await store.read() is None
    assert await store.swap(Lease(), FIRST)
    assert await other.read() == FIRST
    assert await other.swap(FIRST, renewed(FIRST))
    assert await store.read() == renewed(FIRST)
    assert await store.swap(renewed(FIRST), given_back(renewed(FIRST)))
    assert await store.read() == Lease("", 1, 2)


@pytest.mark.parametrize(
    "wrong", [Lease(), Lease("b", 1, 0), Lease("a", 2, 0), Lease("a", 1, 1), Lease("", 1, 0)]
)
async def test_what_is_not_as_it_was_read_is_not_replaced(new: New, wrong: Lease) -> None:
    store = new()
    await store.swap(Lease(), FIRST)
    assert not await store.swap(wrong, Lease("b", 9, 9))
    assert await store.read() == FIRST


async def test_nothing_is_not_what_an_earlier_holder_has_left(new: New) -> None:
    store = new()
    assert not await store.swap(FIRST, renewed(FIRST))
    assert await store.read() is None


async def test_of_many_at_once_one_comes_through(new: New) -> None:
    wanted = [Lease(f"c{n}", 1, 0) for n in range(8)]
    done = await asyncio.gather(*(new().swap(Lease(), lease) for lease in wanted))
    assert sum(done) == 1
    assert await new().read() == wanted[done.index(True)]


async def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path) -> None:
    (tmp_path / "lease.json.1").write_text("{")
    with pytest.raises(LeaseError, match="cannot read"):
        await FileLease(tmp_path / "lease.json").read()


async def test_files_beside_it_are_no_records_and_old_ones_do_not_pile_up(tmp_path: Path) -> None:
    for name in ("lease.json", "lease.json.x", "lease.json.-1", "lease.json.1.new"):
        (tmp_path / name).write_text("of somebody else")
    store, lease = FileLease(tmp_path / "lease.json"), FIRST
    assert await store.read() is None
    assert await store.swap(Lease(), lease)
    for _ in range(5):
        assert await store.swap(lease, renewed(lease))
        lease = renewed(lease)
    assert files_in(tmp_path) == {
        "lease.json",
        "lease.json.x",
        "lease.json.-1",
        "lease.json.1.new",
        "lease.json.6",
    }


@pytest.mark.parametrize("passed", [1, 2, 5])
async def test_one_that_was_stopped_while_it_wrote_finds_out_and_holds_up_nobody(
    passed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped right before its record gets its number: meanwhile another takes over and goes on."""
    stopped, other = FileLease(tmp_path / "lease.json"), FileLease(tmp_path / "lease.json")
    await stopped.swap(Lease(), FIRST)
    link, lease = os.link, Lease("b", 2, 0)

    def late(source: Path, to: Path) -> None:
        nonlocal lease
        monkeypatch.setattr(os, "link", link)
        assert asyncio.run(other.swap(FIRST, lease))
        for _ in range(passed - 1):
            assert asyncio.run(other.swap(lease, renewed(lease)))
            lease = renewed(lease)
        link(source, to)

    monkeypatch.setattr(os, "link", late)
    assert not await stopped.swap(FIRST, renewed(FIRST))
    assert await stopped.read() == lease
    assert files_in(tmp_path) == {f"lease.json.{passed + 1}"}


async def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FileLease(tmp_path / "file" / "lease.json")
    with pytest.raises(LeaseError, match="cannot"):
        await store.swap(Lease(), FIRST)


@pytest.mark.usefixtures("at_aws")
async def test_a_table_that_is_not_there_and_an_item_that_is_not_ours_are_told(
    dynamo: Dynamo,
) -> None:
    missing = open_lease(f"dynamodb:{REGION}/nothing", Cluster("x"), SystemClock())
    with pytest.raises(LeaseError, match="cannot read"):
        await missing.read()
    with pytest.raises(LeaseError, match="cannot write"):
        await missing.swap(Lease(), FIRST)
    dynamo.client.put_item(TableName=TABLE, Item={"name": {"S": "strange"}})
    strange = open_lease(f"dynamodb:{REGION}/{TABLE}", Cluster("strange"), SystemClock())
    with pytest.raises(LeaseError, match="not fairlead's"):
        await strange.read()
    assert not await strange.swap(Lease(), FIRST)


async def test_a_server_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch, at_aws: None) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    with pytest.raises(LeaseError, match="cannot be reached"):
        await open_lease(f"dynamodb:{REGION}/{TABLE}", Cluster("x"), SystemClock()).read()


def test_the_settings_say_which(tmp_path: Path) -> None:
    def of(lease: str) -> LeaseStore:
        return lease_store(Cluster("c", controller=ControllerPlace(lease=lease)), tmp_path)

    assert isinstance(of(""), FileLease)
    assert isinstance(of("/run/lease"), FileLease)
    assert isinstance(of("dynamodb:leases"), DynamoLease)
    with pytest.raises(BadInput, match="dynamodb:TABLE"):
        of("dynamodb:x/y/z")
