"""The schedule of checks, on a clock of the test's own; then readiness in real time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from fairlead.clock import SystemClock
from fairlead.core.health import Health
from fairlead.core.model import CheckKind, Endpoint, HealthCheck
from fairlead.probes import Checker, Probes
from fairlead.probes.checker import AT_ONCE, AT_ONCE_PER_SERVICE
from tests.ground import until

CHECK = HealthCheck(interval=2.0, jitter=0.0, start_interval=0.1, fall=2)
UP = Health(up=True, ever_up=True, ready_at=7.0)
EPOCH = 1_790_000_000.0


@dataclass(order=True)
class Alarm:
    due: float
    turn: int
    call: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Time:
    """A clock that stands until it is moved; implements ports.Clock and the checker's Later."""

    def __init__(self) -> None:
        self.at = 0.0
        self._alarms: list[Alarm] = []
        self._turns = itertools.count()

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return EPOCH + self.at

    def later(self, delay: float, call: Callable[[], None]) -> Alarm:
        alarm = Alarm(self.at + delay, next(self._turns), call)
        heapq.heappush(self._alarms, alarm)
        return alarm

    @property
    def pending(self) -> int:
        return sum(not alarm.cancelled for alarm in self._alarms)

    async def pass_by(self, seconds: float) -> None:
        end = self.at + seconds
        while self._alarms and self._alarms[0].due <= end + 1e-9:
            alarm = heapq.heappop(self._alarms)
            self.at = max(self.at, alarm.due)
            if not alarm.cancelled:
                alarm.call()
                await settle()
        self.at = end


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Scripted:
    """A prober whose answers the test sets; an endpoint in `hanging` gets none until released."""

    def __init__(self, clock: Time) -> None:
        self.problems: dict[str, str] = {}
        self.hanging: dict[str, asyncio.Event] = {}
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.checks: list[HealthCheck] = []
        self.cancelled: list[str] = []
        self.in_flight = 0
        self._clock = clock

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        self.times[endpoint.id].append(round(self._clock.now(), 6))
        self.checks.append(check)
        self.in_flight += 1
        try:
            if endpoint.id in self.hanging:
                await self.hanging[endpoint.id].wait()
        except asyncio.CancelledError:
            self.cancelled.append(endpoint.id)
            raise
        finally:
            self.in_flight -= 1
        return self.problems.get(endpoint.id, "")


class Rig:
    def __init__(self) -> None:
        self.time = Time()
        self.prober = Scripted(self.time)
        self.told: list[tuple[float, str, Health]] = []
        self.unit = 0.5
        self.checker = Checker(
            self.prober, self.time, self.tell, later=self.time.later, random_unit=lambda: self.unit
        )

    def tell(self, endpoint_id: str, health: Health) -> None:
        self.told.append((round(self.time.now(), 6), endpoint_id, health))

    def health(self, endpoint_id: str) -> Health | None:
        watch = self.checker._watches.get(endpoint_id)
        return watch.health if watch else None

    @property
    def turns(self) -> list[tuple[float, str, bool]]:
        """Of what was told, the changes between up and down."""
        up: defaultdict[str, bool] = defaultdict(bool)
        turns = []
        for at, endpoint_id, health in self.told:
            if health.up != up[endpoint_id]:
                turns.append((at, endpoint_id, health.up))
            up[endpoint_id] = health.up
        return turns


@pytest.fixture
async def rig():
    rig = Rig()
    yield rig
    await rig.checker.close()
    assert rig.time.pending == 0
    assert rig.prober.in_flight == 0
    assert rig.checker._shares == {}
    assert len(asyncio.all_tasks()) == 1


async def test_a_new_endpoint_is_checked_at_once_and_fast_until_it_passes(rig, at) -> None:
    rig.prober.problems["shop-1"] = "connection refused"
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(0.25)
    assert rig.prober.times["shop-1"] == [0, 0.1, 0.2]
    down = Health(problem="connection refused")
    assert rig.health("shop-1") == down
    assert rig.told == [(0, "shop-1", down)]
    rig.prober.problems.clear()
    await rig.time.pass_by(4.25)
    assert rig.prober.times["shop-1"] == [0, 0.1, 0.2, 0.3, 2.3, 4.3]
    health = Health(up=True, ever_up=True, ready_at=EPOCH + 0.3)
    assert rig.told[1:] == [(0.3, "shop-1", health)]
    assert rig.health("shop-1") == health


async def test_a_slow_start_is_checked_less_often_with_time(rig, at) -> None:
    rig.prober.problems["shop-1"] = "connection refused"
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(1)
    young = len(rig.prober.times["shop-1"])
    await rig.time.pass_by(600)
    before = len(rig.prober.times["shop-1"])
    await rig.time.pass_by(10)
    assert young == 11
    assert len(rig.prober.times["shop-1"]) - before == 10


async def test_rise_passes_come_at_the_fast_pace(rig, at) -> None:
    rig.checker.watch(at(1), replace(CHECK, rise=3))
    await rig.time.pass_by(1)
    assert rig.turns == [(0.2, "shop-1", True)]


async def test_a_failure_is_confirmed_soon_and_told_once(rig, at) -> None:
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(1)
    rig.prober.problems["shop-1"] = "status 503"
    await rig.time.pass_by(8)
    assert rig.turns == [(0, "shop-1", True), (2.5, "shop-1", False)]
    assert rig.prober.times["shop-1"] == [0, 2, 2.5, 4.5, 6.5, 8.5]
    assert rig.told[-1][2].problem == "status 503"


async def test_new_reasons_are_told_at_a_bounded_pace(rig, at) -> None:
    rig.checker.watch(at(1), replace(CHECK, start_interval=0.0625))
    for step in range(9):
        rig.prober.problems["shop-1"] = f"exit 1: {step}"
        await rig.time.pass_by(0.0625)
    assert [(when, health.problem) for when, _, health in rig.told] == [
        (0, "exit 1: 0"),
        (0.25, "exit 1: 3"),
        (0.5, "exit 1: 7"),
    ]


async def test_a_doubt_about_one_that_is_up_is_not_told(rig, at) -> None:
    rig.checker.watch(at(1), CHECK, UP)
    rig.prober.problems["shop-1"] = "status 503"
    await rig.time.pass_by(1.2)
    assert rig.health("shop-1") == replace(UP, streak=1, problem="status 503")
    rig.prober.problems.clear()
    await rig.time.pass_by(4)
    assert rig.told == []


async def test_one_that_was_up_before_is_first_checked_within_its_interval(rig, at) -> None:
    rig.unit = 0.75
    rig.checker.watch(at(1), CHECK, UP)
    assert rig.health("shop-1") == UP
    await rig.time.pass_by(1.4)
    assert rig.prober.times["shop-1"] == []
    await rig.time.pass_by(0.1)
    assert rig.prober.times["shop-1"] == [1.5]
    assert rig.told == []
    assert rig.health("shop-1") == UP


async def test_watching_again_changes_nothing(rig, at) -> None:
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(1)
    rig.checker.watch(replace(at(1), pid=42, weight=3), CHECK, Health())
    await rig.time.pass_by(1.5)
    assert rig.prober.times["shop-1"] == [0, 2]
    assert rig.health("shop-1").up


async def test_a_changed_check_applies_at_once_and_keeps_health(rig, at) -> None:
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(0.5)
    before = rig.health("shop-1")
    slower = replace(CHECK, interval=5.0)
    rig.checker.watch(at(1), slower)
    assert rig.health("shop-1") == before
    await rig.time.pass_by(10)
    assert rig.prober.times["shop-1"] == [0, 0.5, 5.5, 10.5]
    assert rig.prober.checks[1:] == [slower] * 3
    assert len(rig.told) == 1


async def test_a_changed_check_replaces_the_one_in_flight(rig, at) -> None:
    rig.prober.hanging["shop-1"] = asyncio.Event()
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(0.1)
    rig.checker.watch(at(1), replace(CHECK, path="/other"))
    del rig.prober.hanging["shop-1"]
    await rig.time.pass_by(0.1)
    assert rig.prober.cancelled == ["shop-1"]
    assert rig.turns == [(0.1, "shop-1", True)]


async def test_a_slow_endpoint_delays_no_other_of_its_service(rig, at) -> None:
    rig.prober.hanging["slow"] = asyncio.Event()
    rig.checker.watch(at(1, "slow"), CHECK)
    rig.checker.watch(at(2, "fine"), CHECK)
    await rig.time.pass_by(4.5)
    assert rig.prober.times == {"slow": [0], "fine": [0, 2, 4]}
    rig.prober.hanging["slow"].set()
    await settle()
    assert rig.turns == [(0, "fine", True), (4.5, "slow", True)]


async def test_a_service_that_hangs_uses_up_only_its_own_share(rig, at) -> None:
    crowd = [at(n, f"slow-{n}", "slow") for n in range(AT_ONCE_PER_SERVICE + 5)]
    release = asyncio.Event()
    for endpoint in crowd:
        rig.prober.hanging[endpoint.id] = release
        rig.checker.watch(endpoint, CHECK)
    rig.checker.watch(at(1, "fine", "other"), CHECK)
    await rig.time.pass_by(1)
    assert rig.turns == [(0, "fine", True)]
    assert rig.prober.in_flight == AT_ONCE_PER_SERVICE
    release.set()
    await settle()
    assert len(rig.told) == 1 + len(crowd)


async def test_checks_in_flight_are_bounded_over_all(rig, at) -> None:
    release = asyncio.Event()
    for n in range(AT_ONCE + 10):
        rig.prober.hanging[f"slow-{n}"] = release
        rig.checker.watch(at(n, f"slow-{n}", f"service-{n // 20}"), CHECK)
    await rig.time.pass_by(1)
    assert rig.prober.in_flight == AT_ONCE
    release.set()
    await settle()
    assert len(rig.told) == AT_ONCE + 10


async def test_unwatch_cancels_the_check_in_flight(rig, at) -> None:
    rig.prober.hanging["shop-1"] = asyncio.Event()
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(0.1)
    rig.checker.unwatch("shop-1")
    rig.checker.unwatch("shop-1")
    await settle()
    assert rig.prober.cancelled == ["shop-1"]
    assert rig.health("shop-1") is None
    await rig.time.pass_by(10)
    assert rig.prober.times["shop-1"] == [0]


async def test_a_report_may_unwatch(rig, at) -> None:
    rig.checker._report = lambda endpoint_id, _: rig.checker.unwatch(endpoint_id)
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(10)
    assert rig.prober.times["shop-1"] == [0]


async def test_an_id_watched_anew_starts_down(rig, at) -> None:
    rig.checker.watch(at(1), CHECK)
    await rig.time.pass_by(0.1)
    rig.checker.unwatch("shop-1")
    rig.prober.problems["shop-1"] = "connection refused"
    rig.checker.watch(at(2), CHECK)
    await rig.time.pass_by(0.1)
    assert rig.health("shop-1") == Health(problem="connection refused")


LISTENS_LATER = """
import socket, sys, time
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
time.sleep(0.3)
server.listen()
print(time.monotonic(), flush=True)
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    connection.close()
"""


async def test_a_process_is_ready_soon_after_it_listens(at, free_port) -> None:
    ready: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    checker = Checker(Probes(), SystemClock(), lambda *_: ready.set_result(time.monotonic()))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENS_LATER, str(free_port), stdout=asyncio.subprocess.PIPE
    )
    try:
        checker.watch(at(free_port), HealthCheck(kind=CheckKind.HTTP, timeout=5.0))
        async with asyncio.timeout(30):
            assert process.stdout
            listened = float(await process.stdout.readline())
            took = await ready - listened
    finally:
        await checker.close()
        process.kill()
        await process.wait()
    assert took < 1.0  # about 0.02; the limit only has to be far below the interval of 2 s


async def test_close_in_the_middle_of_real_checks_leaves_nothing(
    serving, at, tmp_path, open_files
) -> None:
    connected: list[bytes] = []

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        connected.append(await reader.readuntil(b"\r\n\r\n"))
        assert await reader.read() == b""

    checker = Checker(Probes(), SystemClock(), lambda *_: None)
    async with serving(hang) as endpoint:
        before = open_files()
        http = HealthCheck(kind=CheckKind.HTTP, timeout=60.0)
        script = f"touch {tmp_path / 'begun'}; sleep 300"
        argv = ("sh", "-c", script)
        command = HealthCheck(kind=CheckKind.COMMAND, command=argv, timeout=60.0)
        checker.watch(endpoint, http)
        checker.watch(at(endpoint.port, "shop-2"), command)
        await until(lambda: connected and (tmp_path / "begun").exists())
        await checker.close()
        assert checker._tasks == set()
        await until(lambda: open_files() <= before)
