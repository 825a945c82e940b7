"""What a controller may only do while it leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairlead.core.errors import LeaseError
from fairlead.core.model import Cluster, Endpoint, Service
from fairlead.journal import EventLog
from fairlead.leases.fence import FencedOrchestrator, FencedPlatform
from fairlead.wiring import fenced, wire_fleet
from tests.stub_edges import StubClock, StubPlatform

SERVICE = Service("app", run=("app",))


class Lead:
    """Counts how often it was asked; raises once it is `lost`."""

    def __init__(self) -> None:
        self.lost, self.asked = False, 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.lost:
            raise LeaseError("another controller leads now: nothing was changed")


class Counted:
    """An orchestrator that only writes down what it was asked for."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def resize(self, service: Service, count: int) -> None:
        self.made.append("resize")

    async def retire(self, endpoint: Endpoint, timeout: float) -> None:
        self.made.append("retire")

    async def mark(self, endpoint: Endpoint, reason: str) -> None:
        self.made.append("mark")


async def test_a_platform_is_written_to_by_the_leader_and_read_by_anybody() -> None:
    lead, inner = Lead(), StubPlatform()
    platform = FencedPlatform(inner, lead)
    one = await platform.start(SERVICE)
    assert lead.asked == 1
    lead.lost = True
    for write in (
        lambda: platform.start(SERVICE),
        lambda: platform.stop(one, 1.0),
        lambda: platform.forget(one),
    ):
        with pytest.raises(LeaseError, match="another controller"):
            await write()
    sighting = await platform.observe([SERVICE])
    assert [endpoint.id for endpoint in sighting.endpoints] == [one.id]
    assert await platform.nodes() == await inner.nodes()
    assert lead.asked == 4


async def test_an_orchestrator_is_asked_for_nothing_by_one_that_leads_no_more() -> None:
    lead, inner = Lead(), Counted()
    kept = FencedOrchestrator(inner, lead)
    one = Endpoint("app-1", "app", "local", "127.0.0.1", 8080, "r")
    writes: Any = (
        lambda: kept.resize(SERVICE, 2),
        lambda: kept.retire(one, 1.0),
        lambda: kept.mark(one, "why"),
    )
    for write in writes:
        await write()
    lead.lost = True
    for write in writes:
        with pytest.raises(LeaseError):
            await write()
    assert inner.made == ["resize", "retire", "mark"]


async def test_all_that_a_controllers_loop_writes_through_asks_first(tmp_path: Path) -> None:
    """Whatever the platform: also one whose endpoints fairlead itself starts."""
    lead = Lead()
    lead.lost = True
    journal = EventLog(tmp_path / "events.jsonl", StubClock())
    wired, _ = wire_fleet(Cluster(), tmp_path, journal, lead)
    with pytest.raises(LeaseError):
        await wired.loop.edges.platforms[0].start(SERVICE)
    assert wired.running.platform is wired.loop.edges.platforms[0]
    assert fenced(wired.running, lead).orchestrator is None
    await wired.running.platform.close()
    journal.close()
