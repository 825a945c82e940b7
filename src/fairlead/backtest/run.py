"""Replays scenarios through policies, on as many cores as are given."""

from __future__ import annotations

import os
import signal
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread

from fairlead.core.backtest.clairvoyant import AHEAD, Clairvoyant, sight, sized
from fairlead.core.backtest.model import Autoscaler, Outcome, Queue, Scenario
from fairlead.core.backtest.own import Own
from fairlead.core.backtest.picture import Film
from fairlead.core.backtest.replay import replay
from fairlead.core.backtest.roster import OTHERS, SET_POINT
from fairlead.core.backtest.trace import Trace, rates
from fairlead.core.scaling.policy import Scale

CLAIRVOYANT, OWN = "clairvoyant", "fairlead"


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario, without its rates: `trace` is its place among the plan's traces."""

    trace: int
    peak: float | None
    start_time: int
    queue: Queue


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be replayed. `scale` is fairlead's policy; `filmed` says whether the first case is
    also to be drawn."""

    traces: tuple[Trace, ...]
    cases: tuple[Case, ...]
    policies: tuple[str, ...]
    scale: Scale
    capacity: float = 50.0
    objective: float = 0.25
    seed: int = 1
    set_point: float = SET_POINT
    filmed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What a policy did in a case. `set_point` is the clairvoyant's."""

    case: int
    policy: str
    outcome: Outcome
    film: Film | None = None
    set_point: float | None = None


Work = tuple[int, str]


def works(plan: Plan) -> list[Work]:
    """The longest first."""
    first = [(case, CLAIRVOYANT) for case in range(len(plan.cases))]
    others = [name for name in plan.policies if name != CLAIRVOYANT]
    return first + [(case, name) for case in range(len(plan.cases)) for name in others]


def run(plan: Plan, jobs: int) -> Iterator[Row]:
    """Rows as they are done, in any order; the clairvoyant's too, which all hours are told by."""
    todo = works(plan)
    if min(jobs, len(todo)) <= 1:
        ground = Ground(plan)
        yield from (ground.row(*work) for work in todo)
        return
    context = get_context("fork")
    with context.Pool(min(jobs, len(todo)), _begin, (plan,)) as pool:
        yield from pool.imap_unordered(_work, todo)


_grounds: list[Ground] = []
"""Of a process that works: it has the plan from its birth, for that is long."""


def _begin(plan: Plan) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_parent, daemon=True).start()
    _grounds.append(Ground(plan))


def _end_with_the_parent() -> None:
    """Also when that is killed: nobody waits for what is being worked out."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(work: Work) -> Row:
    return _grounds[-1].row(*work)


class Ground:
    """Where a plan is carried out, one work after the other. It keeps the rates made last: the
    works of one trace and peak mostly come together."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._made: tuple[tuple[int, float | None], array[float]] | None = None

    def row(self, number: int, name: str) -> Row:
        scenario = self.scenario(self.plan.cases[number])
        film = Film(len(scenario.rates)) if self.plan.filmed and number == 0 else None
        if name == CLAIRVOYANT:
            return self._seeing(number, scenario, film)
        return Row(number, name, replay(scenario, self._scaler(name, scenario), film), film)

    def _scaler(self, name: str, scenario: Scenario) -> Autoscaler:
        if name == OWN:
            return Own(scenario, self.plan.scale)
        return OTHERS[name](scenario, self.plan.set_point)

    def _seeing(self, number: int, scenario: Scenario, film: Film | None) -> Row:
        point, outcome = sized(scenario)
        if film is not None:
            seen = sight(scenario.rates, scenario.start_time + AHEAD)
            replay(scenario, Clairvoyant(seen, scenario.capacity, point), film)
        return Row(number, CLAIRVOYANT, outcome, film, point)

    def scenario(self, case: Case) -> Scenario:
        plan = self.plan
        return Scenario(
            plan.traces[case.trace].name,
            self._rates(case),
            plan.capacity,
            case.start_time,
            plan.scale.min,
            plan.scale.max,
            plan.objective,
            case.queue,
            plan.seed,
        )

    def _rates(self, case: Case) -> array[float]:
        key = case.trace, case.peak
        if self._made is None or self._made[0] != key:
            self._made = key, rates(self.plan.traces[case.trace], case.peak)
        return self._made[1]
