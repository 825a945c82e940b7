"""The policy of `scale:` against those of others, on traces of real load and on a fourfold step.

Traces are those of the folder that --traces names (or FAIRLEAD_TRACES); the repository has none.
Without them the step and the speed alone are measured.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from statistics import fmean

from bench.row import Row
from fairlead.backtest.read import read
from fairlead.backtest.run import CLAIRVOYANT, OWN, Case, Ground, Plan, run
from fairlead.core.backtest.model import Queue
from fairlead.core.backtest.roster import OTHERS
from fairlead.core.backtest.summary import Line, line
from fairlead.core.backtest.trace import DAY, Trace, part
from fairlead.core.scaling.policy import Scale

PEAKS, START_UPS = (600.0, 150.0), (30, 120)
SCALE = Scale(min=1, max=40, capacity=50.0)
SMOOTH = ("nasa", "worldcup")
"""What the names of traces with a smooth daily load begin with."""
QUICK_DAYS = 1.0


def measure(*, quick: bool) -> list[Row]:
    folder = os.environ.get("FAIRLEAD_TRACES", "")
    rows = _of_traces(_traces(Path(folder), quick=quick)) if folder else []
    return [*rows, *_step(), *_speed(quick=quick)]


def _traces(folder: Path, *, quick: bool) -> tuple[Trace, ...]:
    found = (read(path) for path in sorted(folder.iterdir()) if path.is_file())
    return tuple(part(each, 0.0, QUICK_DAYS if quick else None) for each in found)


def _plan(traces: tuple[Trace, ...], cases: tuple[Case, ...]) -> Plan:
    return Plan(traces, cases, (OWN, *OTHERS), SCALE)


def _of_traces(traces: tuple[Trace, ...]) -> list[Row]:
    plan = _plan(traces, tuple(_cases(len(traces))))
    rows = {(row.case, row.policy): row.outcome for row in run(plan, os.cpu_count() or 1)}
    numbers = range(len(plan.cases))
    seeing = [rows[number, CLAIRVOYANT] for number in numbers]
    lines = {
        name: line([rows[number, name] for number in numbers], seeing) for name in plan.policies
    }
    smooth = [
        rows[number, OWN].hours / rows[number, CLAIRVOYANT].hours
        for number in numbers
        if traces[plan.cases[number].trace].name.startswith(SMOOTH)
    ]
    return [*_goals(lines[OWN], smooth), *(row for name in OTHERS for row in _of(name, lines))]


def _cases(traces: int) -> Iterator[Case]:
    for each in product(range(traces), PEAKS, START_UPS, Queue):
        yield Case(*each)


def _goals(own: Line, smooth: list[float]) -> list[Row]:
    rows = [
        Row.at_most("violations, mean of the scenarios", 1.0, own.violations * 100, "%"),
        Row.at_most("violations, worst scenario", 3.0, own.worst * 100, "%"),
        Row.at_most("endpoint-hours by the clairvoyant's", 1.40, own.hours or 0.0, ""),
        Row.at_most("changes a day", 200, own.changes_per_day, ""),
    ]
    if smooth:
        rows.append(Row.at_most("endpoint-hours, smooth daily load", 1.07, fmean(smooth), ""))
    return rows


def _of(name: str, lines: dict[str, Line]) -> list[Row]:
    other = lines[name]
    return [
        Row.compare(f"{name} at 60 %: violations", other.violations * 100, "%"),
        Row.compare(f"{name} at 60 %: endpoint-hours", other.hours or 0.0, ""),
        Row.compare(f"{name} at 60 %: changes a day", other.changes_per_day, ""),
    ]


def _step() -> list[Row]:
    """From 100 to 400 requests a second, after an hour; a start takes 30 s."""
    trace = Trace("step", array("d", [100.0] * 3600 + [400.0] * 3600), 1)
    cases = tuple(Case(0, None, 30, queue) for queue in Queue)
    ground = Ground(_plan((trace,), cases))
    found = {
        name: max(ground.row(n, name).outcome.seconds_in_violation for n in range(len(cases)))
        for name in (OWN, *OTHERS)
    }
    told = "fourfold step, 30 s to start: seconds in violation"
    goal = Row.at_most(told, 60, found[OWN], "s")
    return [goal, *(Row.compare(f"{told}, {name}", found[name], "s") for name in OTHERS)]


def _speed(*, quick: bool) -> list[Row]:
    """A week whose rate changes every second, which is the hardest case."""
    chance, days = Random(1), 1 if quick else 7
    counts = array("d", [float(chance.randint(150, 450)) for _ in range(days * DAY)])
    ground = Ground(_plan((Trace("week", counts, 1),), (Case(0, None, 30, Queue.POOLED),)))
    ground.row(0, "static")  # the rates are made once, not for each policy
    rows = []
    for name in (OWN, *OTHERS):
        began = time.process_time()
        ground.row(0, name)
        taken = (time.process_time() - began) * 7 / days
        rows.append(Row.at_most(f"a week at one-second steps, {name}", 10, taken, "s"))
    return rows
