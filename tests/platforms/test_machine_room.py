"""Room on one machine: by what copies use, what is left, and the ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fairlead import procfs
from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, FixedEndpoint, Phase, Service
from fairlead.core.scaling.machine import MIB
from fairlead.core.scaling.policy import Scale
from fairlead.platforms.machine_room import MachineRoom
from fairlead.ports import Used
from tests.platforms.ground import Ground, python

HOLDS = "import time; held = bytearray(60 << 20); print('held', flush=True); time.sleep(300)"
CATALOG = Service("catalog", run=("catalog",), scale=Scale(max=50))


@dataclass
class Machine:
    """Of 10,000 MiB, of which 500 are the reserve."""

    left: int = 2500
    copies: list[Endpoint] = field(default_factory=list)
    uses: dict[str, int] = field(default_factory=dict)
    now_: float = 0.0
    asked: int = 0
    broken: bool = False

    def now(self) -> float:
        return self.now_

    def wall(self) -> float:
        return self.now_

    def add(self, name: str, service: str = "catalog", *, uses: int = 0, **more: object) -> None:
        self.copies.append(Endpoint(name, service, "local", "127.0.0.1", 1, **more))
        if uses:
            self.uses[name] = uses

    async def used(self, endpoints: Collection[Endpoint]) -> Mapping[str, Used]:
        self.asked += 1
        if self.broken:
            raise PlatformError("the engine is away")
        known = {e.id: self.uses[e.id] for e in endpoints if e.id in self.uses}
        return {endpoint: Used(self.now_, 0, mib * MIB) for endpoint, mib in known.items()}


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    here = Ground(tmp_path / "state")
    yield here
    await here.clear()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(procfs, "total_bytes", lambda: 10_000 * MIB)
    monkeypatch.setattr(procfs, "available_bytes", lambda: made.left * MIB)
    return made


def room(machine: Machine, ports: int = 1000) -> MachineRoom:
    spare = lambda count: (min(count, ports), "ports 20000-20009")  # noqa: E731
    return MachineRoom(machine, lambda: machine.copies, machine, spare=spare)


async def test_as_many_as_the_largest_copy_fits_into_what_is_left(machine: Machine) -> None:
    machine.add("a", uses=200)
    machine.add("b", uses=300)
    told = "memory: a copy uses 300 MiB, 1900 MiB are left"
    assert await room(machine).most(CATALOG) == (2 + 6, told)


async def test_copies_that_have_just_started_will_take_what_the_others_do(machine: Machine) -> None:
    """One of 300 has come that is not measured yet; one of another service uses 50 of 400."""
    machine.add("a", uses=300)
    machine.add("x", "other", uses=400)
    found = room(machine)
    assert (await found.most(CATALOG))[0] == 1 + 6
    machine.add("b")
    machine.add("y", "other", uses=50)
    machine.now_ = 5.0
    assert (await found.most(CATALOG))[0] == 2 + (2000 - 300 - 350) // 300


async def test_what_stops_counts_as_no_copy(machine: Machine) -> None:
    machine.add("a", uses=500)
    machine.add("b", uses=500, phase=Phase.STOPPING)
    machine.add("c", phase=Phase.EXITED)
    assert (await room(machine).most(CATALOG))[0] == 1 + 4


async def test_what_runs_counts_though_nothing_is_left_and_the_first_may_always_come(
    machine: Machine,
) -> None:
    found = room(machine)
    machine.add("a", uses=300)
    machine.left = 100
    told = "memory: a copy uses 300 MiB, 0 MiB are left"
    assert await found.most(CATALOG) == (1, told)
    machine.copies.clear()
    assert await found.most(CATALOG) == (1, told)


async def test_ports_bound_too(machine: Machine) -> None:
    machine.add("a", uses=1)
    assert await room(machine, 3).most(CATALOG) == (4, "ports 20000-20009")


async def test_no_further_than_the_scale_asks(machine: Machine) -> None:
    machine.add("a", uses=1)
    assert await room(machine).most(replace(CATALOG, scale=Scale(max=7))) == (7, "")


async def test_what_is_not_known_bounds_nothing_but_ports(machine: Machine) -> None:
    assert (await room(machine).most(CATALOG))[0] is None
    assert await room(machine, 3).most(CATALOG) == (3, "ports 20000-20009")
    machine.broken = True
    assert await room(machine).most(CATALOG) == (None, "the engine is away")
    fixed = replace(CATALOG, endpoints=(FixedEndpoint("127.0.0.1", 80),))
    assert (await room(machine).most(fixed))[0] is None


async def test_another_revision_is_measured_anew(machine: Machine) -> None:
    found = room(machine)
    machine.add("a", uses=1000, revision="1")
    assert (await found.most(CATALOG))[0] == 1 + 2
    machine.copies.clear()
    machine.add("b", uses=100, revision="2")
    machine.now_ = 5.0
    assert (await found.most(CATALOG))[0] == 1 + 20


async def test_all_services_are_measured_at_once_and_seldom(machine: Machine) -> None:
    machine.add("a", uses=100)
    found = room(machine)
    for _ in range(5):
        await found.most(CATALOG)
        await found.most(replace(CATALOG, name="other"))
    assert machine.asked == 1


async def test_real_processes_on_this_machine(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds 60 MiB; with 200 MiB above the reserve three more fit, or two with what the
    interpreter takes beside them."""
    service = replace(python(HOLDS), scale=Scale(max=50))
    platform = ground.platform()
    room = MachineRoom(platform, platform.all, platform._clock, 0.0, platform.spare_ports)
    endpoint = await platform.start(service)
    await ground.output(endpoint)
    whole = procfs.total_bytes()
    monkeypatch.setattr(procfs, "available_bytes", lambda: int(whole * 0.05) + 200 * MIB)
    most, told = await room.most(service)
    assert most in (1 + 2, 1 + 3)
    assert told.startswith("memory: a copy uses")
    monkeypatch.setattr(procfs, "available_bytes", lambda: whole)
    few = ground.ports[0], ground.ports[0] + 1
    platform.use(few)
    ports = MachineRoom(platform, platform.all, platform._clock, 0.0, platform.spare_ports)
    most, told = await ports.most(service)
    assert most in (1 + 1, 1 + 2)
    assert told == f"ports {few[0]}-{few[1]}"


def test_what_is_available_is_part_of_what_there_is() -> None:
    assert 0 < procfs.available_bytes() <= procfs.total_bytes()
