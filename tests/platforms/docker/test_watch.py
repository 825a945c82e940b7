"""How memory follows an engine that lies, stumbles or answers late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import PlatformError
from fairlead.core.model import Phase
from fairlead.platforms.docker import events
from fairlead.platforms.docker.engine import Call, EngineAway, Refused
from fairlead.platforms.docker.fleet import Fleet
from fairlead.platforms.docker.watch import Watch, read_list
from fairlead.wire import Response
from tests.ground import until
from tests.platforms.docker.ground import FOUND
from tests.platforms.docker.shapes import ABSURD, broken, changed

FIRST, SECOND = "a" * 64, "b" * 64
PING = Response(200, (("date", "Tue, 24 Nov 2026 12:00:00 GMT"),), b"OK")


class ScriptedEngine:
    """Answers each path with what the test has put there; an error is raised."""

    host = "unix:///scripted"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {"/_ping": PING}
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.list(FIRST, SECOND)

    def list(self, *ids: str, **fields: Any) -> None:
        labels = {"fairlead.service": "catalog"}
        entries = [{"Id": each, "Labels": labels, "State": "running", **fields} for each in ids]
        self.answers["/containers/json"] = entries
        for each in ids:
            self.answers[f"/containers/{each}/json"] = changed(("Id",), each)

    async def ask(self, call: Call) -> Any:
        self.asked.append(call.path)
        answer = self.answers[call.path]
        if isinstance(answer, Exception):
            raise answer
        return await answer if asyncio.iscoroutine(answer) else answer

    send = ask

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield await self.lines.get()

        yield pieces()


class Afloat:
    """A watch over a scripted engine."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine()
        self.complaints: list[str] = []
        self.fleet = Fleet("test", lambda _: None, lambda _, told: self.complaints.append(told))
        self.watch = Watch(self.engine, self.fleet, lambda: None)

    def phases(self) -> list[Phase]:
        return [endpoint.phase for endpoint in self.fleet.endpoints(FOUND)]


@pytest.fixture
async def afloat(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Afloat]:
    monkeypatch.setattr(events, "RESYNC", 0.01)
    afloat = Afloat()
    yield afloat
    await afloat.watch.close()


async def synced(afloat: Afloat) -> None:
    """Two more reads of the list, so that one began after this was asked."""
    count = afloat.engine.asked.count("/containers/json") + 2
    await until(lambda: afloat.engine.asked.count("/containers/json") >= count, "a read")


@pytest.mark.parametrize(
    "answer", [None, {}, [None], [{"Id": ""}], [{"Id": FIRST}, 7], "gone", Refused("broken", 500)]
)
async def test_a_list_that_is_none_removes_nobody(afloat: Afloat, answer: Any) -> None:
    await afloat.watch.open()
    assert (afloat.watch.problem, len(afloat.phases())) == ("", 2)
    afloat.engine.answers["/containers/json"] = answer
    await until(lambda: afloat.watch.problem, "the trouble noticed")
    assert len(afloat.phases()) == 2
    afloat.engine.list(SECOND)
    await until(lambda: not afloat.watch.problem, "well again")
    assert len(afloat.phases()) == 1


async def test_one_that_cannot_be_read_stays_and_is_told(afloat: Afloat) -> None:
    await afloat.watch.open()
    afloat.engine.list(FIRST, SECOND, State="paused")
    afloat.engine.answers[f"/containers/{FIRST}/json"] = Refused("disk on fire", 500)
    await until(lambda: afloat.complaints, "a complaint")
    assert afloat.complaints == ["disk on fire"]
    await synced(afloat)
    assert afloat.complaints == ["disk on fire"]
    assert (afloat.watch.problem, len(afloat.phases())) == ("", 2)


async def test_an_engine_that_goes_in_the_middle_of_a_read_removes_nobody(afloat: Afloat) -> None:
    await afloat.watch.open()
    afloat.engine.list(FIRST, SECOND, State="paused")
    for each in (FIRST, SECOND):
        afloat.engine.answers[f"/containers/{each}/json"] = EngineAway("gone")
    await synced(afloat)
    assert len(afloat.phases()) == 2


async def test_what_has_not_changed_is_not_asked_for_again(afloat: Afloat) -> None:
    await afloat.watch.open()
    await synced(afloat)
    assert afloat.engine.asked.count(f"/containers/{FIRST}/json") == 1
    afloat.engine.list(FIRST, SECOND, Status="Up 3 seconds (unhealthy)")
    await until(lambda: afloat.engine.asked.count(f"/containers/{FIRST}/json") == 2, "a look")


async def test_one_that_was_destroyed_is_not_brought_back_by_a_late_answer(afloat: Afloat) -> None:
    await afloat.watch.open()
    late: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def answer_late() -> Any:
        return await late

    afloat.engine.answers[f"/containers/{FIRST}/json"] = answer_late()
    looking = asyncio.create_task(afloat.watch.look_at(FIRST))
    await asyncio.sleep(0)
    afloat.engine.list(SECOND)
    destroyed = b'{"Type":"container","Action":"destroy","Actor":{"ID":"%s"}}\n'
    await afloat.engine.lines.put(destroyed % FIRST.encode())
    await until(lambda: len(afloat.phases()) == 1, "its end")
    late.set_result(changed(("Id",), FIRST))
    await looking
    assert len(afloat.phases()) == 1


async def test_an_older_answer_does_not_undo_a_newer_one(afloat: Afloat) -> None:
    exited = changed(("State", "Status"), "exited", changed(("Id",), FIRST))
    from_before = changed(("Id",), FIRST)
    await afloat.watch.open()
    late: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def answer_late() -> Any:
        return await late

    afloat.engine.answers[f"/containers/{FIRST}/json"] = answer_late()
    looking = asyncio.create_task(afloat.watch.look_at(FIRST))
    await asyncio.sleep(0)
    afloat.engine.answers[f"/containers/{FIRST}/json"] = exited
    await afloat.watch.look_at(FIRST)
    assert Phase.EXITED in afloat.phases()
    late.set_result(from_before)
    await looking
    assert Phase.EXITED in afloat.phases()


@given(st.lists(broken(), max_size=3), ABSURD)
def test_broken_answers_never_end_the_watch_or_empty_a_service(
    answers: list[Any], listed: Any
) -> None:
    async def run() -> None:
        afloat = Afloat()
        await afloat.watch.open()
        for answer in answers:
            afloat.engine.answers[f"/containers/{SECOND}/json"] = answer
            await afloat.watch._try_to_look(SECOND)
        afloat.engine.answers["/containers/json"] = listed
        try:
            await afloat.watch._sync()
        except PlatformError:
            assert len(afloat.phases()) >= 1
        assert not any(task.done() for task in afloat.watch._tasks)
        await afloat.watch.close()

    asyncio.run(run())


@given(ABSURD)
def test_a_list_is_read_whole_or_not_at_all(answer: Any) -> None:
    try:
        found = read_list(answer)
    except PlatformError:
        return
    assert found == {}
    assert answer == []
