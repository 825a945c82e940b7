"""A controller without a lease leads nothing, whatever it was that kept the lease from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.daemon.lead import Controller
from fairlead.daemon.start import running
from fairlead.fleet import fleet
from fairlead.journal import EventLog
from fairlead.leases.holder import Holder
from tests.ground import free_port, until
from tests.stub_edges import StubClock

SETTINGS = """
cluster: test
controller: {{listen: "127.0.0.1:{port}"}}
services: {{app: {{endpoints: ["127.0.0.1:9"], routes: [app.localhost]}}}}
"""


class Contender:
    def __init__(self, folder: Path) -> None:
        self.port, file = free_port(), folder / "fairlead.yaml"
        file.write_text(SETTINGS.format(port=self.port))
        self.kinds: list[str] = []
        self.journal = EventLog(folder / "events.jsonl", StubClock())
        self.journal.listen(lambda event: self.kinds.append(event.kind))
        (folder / "state").mkdir(mode=0o700)
        self.controller = Controller(file, folder / "state", self.journal)

    async def listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        return True


@pytest.fixture
def contender(tmp_path: Path) -> Iterator[Contender]:
    made = Contender(tmp_path)
    yield made
    made.journal.close()


async def test_a_fault_in_taking_the_lease_is_no_lease(
    contender: Contender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(_: Holder) -> int:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Holder, "take", take)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(contender.controller.run(), 20)
    assert contender.kinds == ["waits"]
    assert not await contender.listens()


async def test_who_is_asked_to_end_while_it_waits_leads_nothing(
    contender: Contender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(_: Holder) -> int:
        contender.controller.ending.ask(keep=True)
        return 1

    monkeypatch.setattr(Holder, "take", take)
    await asyncio.wait_for(contender.controller.run(), 20)
    assert contender.kinds == ["waits"]
    assert not await contender.listens()


async def test_with_the_lease_it_leads(
    contender: Contender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "GATHER", 0.01)
    async with running(contender.controller.run()):
        await until(lambda: "leads" in contender.kinds)
        assert await contender.listens()
        contender.controller.ending.ask(keep=True)
        await until(lambda: "led" in contender.kinds)
