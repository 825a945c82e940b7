"""What the daemon tells of its scaler, over the real loop on edges in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fairlead.core.errors import BadInput, UnknownName
from fairlead.core.model import Counters, Service
from fairlead.daemon.control import DaemonControl, Ending
from fairlead.daemon.status import status
from fairlead.journal import EventLog
from tests.scaling.ground import CATALOG, Ground
from tests.stub_edges import StubClock


def controlled(ground: Ground, folder: Path) -> DaemonControl:
    world = ground.world
    running = SimpleNamespace(discovery=None, metered=None)
    bell = SimpleNamespace(woken=None)
    wired = SimpleNamespace(
        loop=world.loop, proxy=world.proxy, running=running, roster=None, bell=bell
    )
    journal = EventLog(folder / "events.jsonl", StubClock())
    control = DaemonControl(cast(Any, wired), journal, lambda: None, Ending())  # type: ignore[arg-type,return-value]
    journal.close()
    control.scaler = ground.scaler
    return control


async def scaled(folder: Path, service: Service = CATALOG) -> tuple[Ground, DaemonControl]:
    ground = Ground(folder, service)
    await ground.ready()
    return ground, controlled(ground, folder)


async def test_all_that_the_scaler_thinks_is_told(tmp_path: Path) -> None:
    ground, control = await scaled(tmp_path)
    assert await control.scaling("catalog") == []  # not looked at yet
    ground.room.most_of = 4
    await ground.tick(80)
    (found,) = await control.scaling("catalog")
    assert (found["min"], found["max"], found["replicas"], found["ready"]) == (1, 10, 4, 4)
    assert (found["desired"], found["count"], found["missing"]) == (8, 4, 4)
    assert (found["placeable"], found["limit"]) == (4, "memory on i-1")
    assert found["load"]["rate"] == 80
    assert found["opinions"][0]["metric"] == "requests"
    assert [(c["before"], c["after"], c["done"]) for c in found["changes"]] == [(2, 4, True)]


async def test_a_paused_scaler_is_told_as_such_until_it_is_resumed(tmp_path: Path) -> None:
    ground, control = await scaled(tmp_path)
    await control_scale(control, 3)
    await ground.tick(80)
    (found,) = await control.scaling()
    assert found["paused"] == "scaled to 3 by command"
    assert (found["count"], found["replicas"]) == (8, 3)
    await control.resume("catalog")
    await ground.scaler.turn()  # it was woken
    assert ground.count == 8


async def control_scale(control: DaemonControl, count: int) -> None:
    await control.scale("catalog", count)


async def test_the_status_has_bounds_what_is_wanted_and_why(tmp_path: Path) -> None:
    ground, _ = await scaled(tmp_path)
    (before,) = (await status(ground.world.loop, "shop", scaler=ground.scaler))["services"]
    assert before["scale"]["why"] == "it has not been looked at yet"
    await ground.tick(500)
    (service,) = (await status(ground.world.loop, "shop", scaler=ground.scaler))["services"]
    assert service["scale"] == {
        "min": 1,
        "max": 10,
        "wanted": 50,
        "missing": 0,
        "paused": "",
        "why": "requests 500 (target 10); 50 wanted; held by max 10",
    }


async def test_a_service_that_goes_while_the_status_is_made_is_no_fault(tmp_path: Path) -> None:
    ground, _ = await scaled(tmp_path)
    loop, counters = ground.world.loop, ground.world.proxy.counters

    async def gone_meanwhile(service: str) -> dict[str, Counters]:
        found = await counters(service)
        loop.tracked.pop(service)
        return found

    ground.world.proxy.counters = gone_meanwhile  # type: ignore[method-assign]
    (service,) = (await status(loop, "shop", scaler=ground.scaler))["services"]
    assert service["name"] == "catalog"


async def test_what_nothing_scales_is_told_only_on_trial(tmp_path: Path) -> None:
    ground, control = await scaled(tmp_path, replace(CATALOG, scale=None))
    with pytest.raises(BadInput, match="no scale section"):
        await control.scaling("catalog")
    with pytest.raises(BadInput, match="no scale section"):
        await control.resume("catalog")
    with pytest.raises(UnknownName):
        await control.scaling("nobody")
    (service,) = (await status(ground.world.loop, "shop", scaler=ground.scaler))["services"]
    assert "scale" not in service
    assert await control.scaling(trial=True) == []
    await ground.tick(80)
    (found,) = await control.scaling(trial=True)
    assert (found["trial"], found["count"], found["replicas"]) == (True, 8, 2)
    assert found["block"] == "it has no scale section: this is a trial"
