"""All meters of all services on one board, each read when that is of use.

A tick of the scaler looks at a service; what has to be read is read at the same time, and a meter
that takes its time is waited for no longer than WAIT: its value comes on a later tick. What is
known is kept with its time, and is missing once it is older than the metric allows, and twice the
period that one value stands for: one of CloudWatch's is known only after its minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from fairlead.core.errors import FairleadError, MeterError
from fairlead.core.scaling.policy import Metric, Objective, Scale, Source
from fairlead.core.scaling.verdict import Load, Reading
from fairlead.faults import told
from fairlead.meters.proxy import ProxyMeter
from fairlead.ports import Clock, Meter

WAIT = 1.0
"""Seconds that a tick waits for its meters."""
LIMIT = 20.0
"""Seconds after which a read is given up."""
AHEAD = 5.0
"""Seconds that a value's time may lie in the future, for clocks that are not quite the same."""
OWN = frozenset({Source.REQUESTS, Source.IN_FLIGHT, Source.LATENCY, Source.ERRORS})
EVERY = 5.0
"""Seconds between two reads of what may have changed at any moment."""
_LONGEST = 300
_SOON = 0.5
"""A tick comes a little early at times: what is due so soon is read at once."""

Opener = Callable[[Metric], Meter]
"""Gives the meter of a metric; an error of core.errors where it cannot be had."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one target's metric, fresh or not. `age` in seconds, None without a reading.
    `problem` is why there is no value of now; empty when there is one."""

    reading: Reading | None
    age: float | None
    problem: str


@dataclass(frozen=True, slots=True)
class Look:
    """A service's metrics as they are known now. `readings` holds, by the target's name, those that
    are fresh; `missing` holds the others, with the reason. Where `load` is None `blind` says why.
    """

    load: Load | None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    blind: str = ""


@dataclass(slots=True)
class _Slot:
    """One target's metric. `due` is monotonic; a value may be `patience` seconds old."""

    metric: Metric
    patience: float
    due: float = 0.0
    task: asyncio.Task[None] | None = None
    reading: Reading | None = None
    problem: str = "it has not been read yet"


class MeterBoard:
    """To be looked at once a tick for each service that is scaled; see wiring.open_meters.

    look = await board.look("catalog", scale)   # a second at most; raises nothing
    Sight(..., load=look.load, readings=look.readings)
    board.known("catalog")                       # for --explain: values, ages, reasons
    board.forget("catalog")                      # it is scaled no more
    await board.close()
    """

    def __init__(
        self,
        proxy: ProxyMeter,
        opener: Opener,
        clock: Clock,
        closing: Callable[[], None] = lambda: None,
    ) -> None:
        """`closing` is called at the end, when nothing is read any more."""
        self._proxy, self._opener, self._clock = proxy, opener, clock
        self._closing = closing
        self._slots: dict[str, dict[str, _Slot]] = {}
        self._takes: dict[str, asyncio.Task[None]] = {}

    async def look(self, service: str, scale: Scale) -> Look:
        """The newest of everything. Concurrent for services, one at a time for a service."""
        slots, taking = self._follow(service, scale), self._take(service)
        _, late = await asyncio.wait([taking, *self._begin(service, slots)], timeout=WAIT)
        if taking in late:
            self._proxy.late(service, WAIT)
        await self._read_own(service, slots)
        return self._seen(slots, *self._load(service, scale))

    def known(self, service: str) -> Mapping[str, Known]:
        """By the target's name; of the last look, with ages of now."""
        return {name: self._known(slot) for name, slot in self._slots.get(service, {}).items()}

    def forget(self, service: str) -> None:
        tasks = [slot.task for slot in self._slots.pop(service, {}).values()]
        for task in (*tasks, self._takes.pop(service, None)):
            if task:
                task.cancel()
        self._proxy.forget(service)

    async def close(self) -> None:
        """Ends what is being read, and waits for it."""
        of_slots = (slot.task for slots in self._slots.values() for slot in slots.values())
        tasks = [task for task in (*of_slots, *self._takes.values()) if task]
        for service in tuple({*self._slots, *self._takes}):
            self.forget(service)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._closing()

    def _follow(self, service: str, scale: Scale) -> dict[str, _Slot]:
        """A target whose metric is another now has no value yet."""
        before, slots = self._slots.get(service, {}), {}
        for target in scale.targets:
            kept = before.pop(target.name, None)
            if kept and kept.metric != target.metric:
                _cancel(kept)
                kept = None
            slots[target.name] = kept or _Slot(target.metric, target.metric.max_age)
        for slot in before.values():
            _cancel(slot)
        self._slots[service] = slots
        return slots

    def _take(self, service: str) -> asyncio.Task[None]:
        """The proxy's counters, which all of its metrics and the load come from."""
        task = self._takes.get(service)
        if task is None or task.done():
            task = asyncio.create_task(self._taken(service))
            self._takes[service] = task
        return task

    async def _taken(self, service: str) -> None:
        """Where it fails the proxy's meter keeps why, and says so when it is asked."""
        try:
            await self._proxy.take(service)
        except MeterError:
            pass
        except Exception as error:  # noqa: BLE001 - a fault of ours leaves the others to be read
            told(error)

    def _begin(self, service: str, slots: Mapping[str, _Slot]) -> list[asyncio.Task[None]]:
        """Those that are due and not being read yet: one that hangs is waited for once."""
        now = self._clock.now()
        begun: list[asyncio.Task[None]] = []
        for slot in slots.values():
            if slot.metric.source in OWN or slot.task or now < slot.due - _SOON:
                continue
            slot.task = asyncio.create_task(self._read(service, slot))
            slot.task.add_done_callback(partial(_ended, slot))
            slot.due = now + EVERY
            begun.append(slot.task)
        return begun

    async def _read_own(self, service: str, slots: Mapping[str, _Slot]) -> None:
        for slot in slots.values():
            if slot.metric.source in OWN:
                slot.reading = None  # of a tick before: there is one of now, or none
                await self._note(slot, self._proxy, service)

    async def _read(self, service: str, slot: _Slot) -> None:
        began = self._clock.now()
        try:
            meter = self._opener(slot.metric)
        except FairleadError as error:
            slot.problem = _brief(error)
            return
        period = meter.period(slot.metric)
        slot.due, slot.patience = began + max(EVERY, period), slot.metric.max_age + 2 * period
        try:
            async with asyncio.timeout(LIMIT):
                await self._note(slot, meter, service)
        except TimeoutError:
            slot.problem = f"no answer within {LIMIT:g} s"

    async def _note(self, slot: _Slot, meter: Meter, service: str) -> None:
        try:
            slot.reading, slot.problem = await meter.read(service, slot.metric), ""
        except FairleadError as error:
            slot.problem = _brief(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one meter spares the rest
            slot.problem = told(error)

    def _load(self, service: str, scale: Scale) -> tuple[Load | None, str]:
        objective = scale.objective or Objective()
        try:
            return self._proxy.load(service, objective.latency), ""
        except MeterError as error:
            return None, _brief(error)

    def _seen(self, slots: Mapping[str, _Slot], load: Load | None, blind: str) -> Look:
        known = {name: self._known(slot) for name, slot in slots.items()}
        fresh = {n: k.reading for n, k in known.items() if k.reading and not k.problem}
        return Look(load, fresh, {n: k.problem for n, k in known.items() if k.problem}, blind)

    def _known(self, slot: _Slot) -> Known:
        """One failed read does not make a value of a moment ago a stale one."""
        if slot.reading is None:
            return Known(None, None, slot.problem)
        age = self._clock.wall() - slot.reading.at
        return Known(slot.reading, age, _unfit(age, slot.patience, slot.problem))


def _unfit(age: float, most: float, problem: str) -> str:
    """Why a value of that age cannot be used; empty when it can."""
    why = f": {problem}" if problem else ""
    if age > most:
        return f"the last value is {age:.0f} s old, {most:g} s are allowed{why}"
    if age < -AHEAD:
        return f"the last value is of {-age:.0f} s from now: a clock is wrong{why}"
    return ""


def _ended(slot: _Slot, _: asyncio.Task[None]) -> None:
    slot.task = None


def _cancel(slot: _Slot) -> None:
    if slot.task:
        slot.task.cancel()


def _brief(error: FairleadError) -> str:
    return " ".join(str(error).split())[:_LONGEST]
