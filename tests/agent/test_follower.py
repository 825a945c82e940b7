from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import pytest

from fairlead.agent.follower import COUNT_EVERY, Follower
from fairlead.core.errors import ProxyError
from fairlead.core.model import Entry, ServiceTable, Waits
from fairlead.daemon.start import running
from fairlead.fleet.messages import PROTOCOL, Assignment, Orders, Report, Watched
from tests.fleet.ground import CHECK, DRAINING, ILL, UP, WELL, endpoint, table
from tests.ground import until
from tests.stub_edges import StubChecks, StubJournal, StubProxy


@dataclass
class SlowProxy(StubProxy):
    """Takes a table when it is let."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def push(self, table: ServiceTable) -> int:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return await super().push(table)


@dataclass
class Refusing(StubProxy):
    """Does not take the tables of a service."""

    service: str = "bad"
    error: Exception = field(default_factory=lambda: ProxyError("nginx refused PUT /services/bad"))

    async def push(self, table: ServiceTable) -> int:
        if table.service == self.service:
            raise self.error
        return await super().push(table)


def follower(proxy: StubProxy | None = None) -> Follower:
    made = Follower(proxy or StubProxy(), StubJournal())
    made.checks = StubChecks()
    return made


def orders(generation: int, served: ServiceTable, *watched: str) -> Orders:
    probed = tuple(Watched(endpoint(key, served.service), CHECK) for key in watched)
    return Orders(generation, (Assignment(served.service, generation, served, probed),))


def at_work(made: Follower) -> AbstractAsyncContextManager[None]:
    return running(made.run())


async def said(made: Follower, holds: Callable[[Report], bool]) -> Report:
    """The first report of which that is true; each is sent."""
    async with asyncio.timeout(30):
        while True:
            report = await made.report()
            made.sent(report)
            if holds(report):
                return report


async def test_the_proxy_follows_and_that_is_said() -> None:
    made = follower()
    async with at_work(made):
        made.take(orders(3, table(a=UP)))
        await said(made, lambda report: report.applied == 3)
        made.take(Orders(4, gone=("app",)))
        await said(made, lambda report: report.applied == 4)
    assert made.proxy.tables == {}  # type: ignore[attr-defined]


async def test_a_proxy_that_refuses_is_told_tried_again_and_followed_by_no_generation() -> None:
    proxy = StubProxy(dead=True)
    made = follower(proxy)
    async with at_work(made):
        made.take(orders(3, table(a=UP)))
        report = await said(made, lambda report: not report.serving)
        assert (report.applied, report.problem) == (0, "the proxy does not answer")
        proxy.dead = False
        report = await said(made, lambda report: report.serving)
        await until(lambda: made.applied == 3)
    assert proxy.up("app") == {"a"}


async def test_health_between_taking_and_pushing_is_in_the_table_and_is_said() -> None:
    made = follower()
    made.take(orders(1, table(a=UP, b=UP), "a", "b"))
    made.saw("a", ILL)
    async with at_work(made):
        await said(made, lambda report: report.health == {"a": ILL})
        await until(lambda: made.applied == 1)
    assert made.proxy.up("app") == {"b"}  # type: ignore[attr-defined]


async def test_health_that_comes_while_the_proxy_takes_a_table_holds_up_no_generation() -> None:
    proxy = SlowProxy()
    made = follower(proxy)
    async with at_work(made):
        made.take(orders(1, table(a=UP, b=UP), "a", "b"))
        await until(lambda: proxy.waiting)
        made.saw("a", ILL)
        proxy.gate.set()
        await until(lambda: made.applied == 1)
        await until(lambda: proxy.up("app") == {"b"})


async def test_a_report_that_was_lost_is_said_again_and_one_that_was_sent_is_not() -> None:
    made = follower()
    made.take(orders(1, table(a=UP), "a"))
    made.saw("a", ILL)
    assert (await made.report()).health == {"a": ILL}
    made.said_nothing()
    lost = await made.report()
    assert lost.health == {"a": ILL}
    made.saw("a", WELL)
    made.sent(lost)
    again = await made.report()
    assert again.health == {"a": WELL}
    made.sent(again)
    made.said_nothing()
    assert (await made.report()).health == {}


async def test_what_is_no_longer_watched_is_not_heard_of() -> None:
    made = follower()
    made.take(orders(1, table(a=UP), "a"))
    made.take(orders(2, table(a=UP)))
    made.saw("a", ILL)
    assert made.health == {}
    assert made.checks.watched == {}  # type: ignore[attr-defined]


async def test_what_is_in_flight_is_said_with_the_generation_under_which_it_was_seen() -> None:
    proxy = StubProxy(in_flight={"a": 2})
    made = follower(proxy)
    async with at_work(made):
        made.take(orders(1, table(a=DRAINING, b=UP)))
        report = await said(made, lambda report: bool(report.in_flight))
        assert (report.applied, report.in_flight) == (1, {"a": 2})
        proxy.in_flight["a"] = 0
        assert (await said(made, lambda r: bool(r.in_flight))).in_flight == {"a": 0}


async def test_a_second_drain_that_comes_with_its_end_is_said_anew() -> None:
    made = follower()
    async with at_work(made):
        made.take(orders(1, table(a=DRAINING, b=UP)))
        await said(made, lambda report: report.in_flight == {"a": 0})
        made.take(orders(2, table(a=UP, b=UP)))
        made.take(orders(3, table(a=DRAINING, b=UP)))
        report = await said(made, lambda report: bool(report.in_flight))
    assert (report.applied, report.in_flight) == (3, {"a": 0})


async def test_a_report_on_its_way_while_a_generation_comes_does_not_silence_the_next() -> None:
    made = follower()
    async with at_work(made):
        made.take(orders(1, table(a=DRAINING, b=UP)))
        await until(lambda: made._in_flight == {"a": 0})
        on_its_way = await made.report()
        made.take(orders(2, table(a=DRAINING, b=UP, c=UP)))
        await until(lambda: made.applied == 2)
        made.sent(on_its_way)
        report = await said(made, lambda report: bool(report.in_flight))
    assert report.applied == 2


async def test_a_push_of_another_life_does_not_count_in_the_new_one() -> None:
    proxy = SlowProxy()
    made = follower(proxy)
    async with at_work(made):
        made.take(orders(500, table(a=UP)))
        await until(lambda: proxy.waiting)
        made.start_over()
        proxy.gate.set()
        await until(lambda: proxy.pushes)
        made.look_again("app")
        await until(lambda: len(proxy.pushes) == 2)
        assert made.applied == 0
        made.take(orders(2, table(a=UP, b=UP)))
        await until(lambda: made.applied == 2)


async def test_a_proxy_that_serves_something_else_is_set_right() -> None:
    made = follower()
    async with at_work(made):
        made.take(orders(1, table(a=UP)))
        await until(lambda: made.applied == 1)
        made.proxy.tables.clear()  # type: ignore[attr-defined]
        made.look_again("")
        await until(lambda: made.proxy.tables)  # type: ignore[attr-defined]


async def test_it_goes_on_from_what_the_proxy_serves_and_says_so() -> None:
    proxy = StubProxy({"app": table(a=UP)})
    made = follower(proxy)
    made.adopt(await proxy.read())
    hello = await made.hello(PROTOCOL, "1", "n1", "")
    assert (hello.serves, hello.generation) == ({"app": table(a=UP)}, 0)
    proxy.dead = True
    assert (await made.hello(PROTOCOL, "1", "n1", "")).serves == {"app": table(a=UP)}
    made.take(orders(1, table(a=UP), "a"))
    assert made.health["a"].up


async def test_that_it_is_about_to_leave_is_said_at_once() -> None:
    made = follower()
    made.leave()
    assert (await made.report()).leaving


async def test_a_table_that_is_refused_holds_up_no_other_and_the_node_serves() -> None:
    proxy = Refusing({"bad": table("bad", z=UP)})
    made = follower(proxy)
    async with at_work(made):
        made.take(orders(1, table("bad", z=DRAINING)))
        made.take(orders(2, table(a=DRAINING, b=UP)))
        report = await said(made, lambda report: "a" in report.in_flight)
        assert (report.applied, report.tried, set(report.refused)) == (0, 2, {"bad"})
        assert (report.followed("app"), report.followed("bad")) == (2, 0)
        assert report.serving
        assert "nginx refused PUT /services/bad" in report.problem
        proxy.service = ""
        report = await said(made, lambda report: "z" in report.in_flight)
        assert (report.applied, report.refused, report.problem) == (2, {}, "")


async def test_a_fault_of_ours_in_one_service_is_told_and_spares_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    proxy = Refusing(error=ZeroDivisionError("ours"))
    made = follower(proxy)
    async with at_work(made):
        made.take(orders(1, table("bad", z=UP)))
        made.take(orders(2, table(a=UP)))
        report = await said(made, lambda report: report.tried == 2 and bool(report.refused))
        assert "fairlead itself failed: ZeroDivisionError('ours')" in report.refused["bad"]
        assert proxy.up("app") == {"a"}
        proxy.service = ""
        await said(made, lambda report: report.applied == 2)
    assert "Traceback" in capsys.readouterr().err


async def test_that_the_proxy_has_ended_is_over_once_it_was_sent() -> None:
    made = follower()
    made.leave()
    made.end()
    report = await made.report()
    assert (report.ended, made.over.is_set()) == (True, False)
    made.sent(report)
    assert made.over.is_set()


async def test_the_proxy_learns_what_is_near_this_node() -> None:
    proxy = StubProxy()
    made = Follower(proxy, StubJournal(), "n1")
    made.checks = StubChecks()
    here, there = Entry("a", "10.0.0.1", 80, node="n1"), Entry("b", "10.0.0.2", 80, node="n2")
    async with at_work(made):
        made.take(orders(3, ServiceTable("app", (), (here, there))))
        await said(made, lambda report: report.applied == 3)
    assert [entry.near for entry in proxy.tables["app"].entries] == [True, False]


async def test_who_waits_is_reported_at_once_and_until_it_was_sent() -> None:
    made = follower()
    made.wake("app")
    async with asyncio.timeout(COUNT_EVERY / 2):
        lost, again = await made.report(), made.wake("app")
    assert (lost.wakes, again) == (("app",), None)
    report = await made.report()
    assert report.wakes == ("app",)
    made.sent(report)
    made.wake("other")
    assert (await made.report()).wakes == ("other",)


async def test_a_controller_that_is_met_anew_hears_only_of_those_who_still_wait() -> None:
    """nginx says it again every second."""
    made = follower()
    made.wake("app")
    made.said_nothing()
    assert (await made.report()).wakes == ()


async def test_what_waits_is_reported_with_the_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.agent.follower.COUNT_EVERY", 0.01)
    made = follower(StubProxy(waiting={"app": Waits(1, 2, 3, 4.0)}))
    async with at_work(made):
        made.take(orders(1, table()))
        report = await said(made, lambda report: bool(report.counters))
    assert report.waits == {"app": Waits(1, 2, 3, 4.0)}
