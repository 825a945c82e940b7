"""A backtest as JSON: its keys stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from fairlead.backtest.run import CLAIRVOYANT, Plan, Row
from fairlead.core.backtest.model import Outcome
from fairlead.core.backtest.summary import line, relative

Rows = Mapping[tuple[int, str], Row]


def document(plan: Plan, rows: Rows) -> dict[str, Any]:
    """Shares are of 1, hours those by the clairvoyant's."""
    seeing = [rows[case, CLAIRVOYANT].outcome for case in range(len(plan.cases))]
    named = (*plan.policies, CLAIRVOYANT)
    lines = {
        name: line([rows[case, name].outcome for case in range(len(plan.cases))], seeing)
        for name in named
    }
    return {
        "scenarios": [_scenario(plan, rows, case) for case in range(len(plan.cases))],
        "policies": {name: asdict(each) for name, each in lines.items()},
    }


def _scenario(plan: Plan, rows: Rows, number: int) -> dict[str, Any]:
    case = plan.cases[number]
    trace = plan.traces[case.trace]
    start = None if trace.start is None else datetime.fromtimestamp(trace.start, UTC).isoformat()
    seeing = rows[number, CLAIRVOYANT]
    return {
        "trace": trace.name,
        "start": start,
        "seconds": trace.seconds,
        "period": trace.period,
        "requests": sum(trace.counts),
        "filled": len(trace.filled),
        "skipped": trace.skipped,
        "peak": case.peak,
        "start_up": case.start_time,
        "queue": case.queue.name.lower(),
        "capacity": plan.capacity,
        "objective": plan.objective,
        "min": plan.scale.min,
        "max": plan.scale.max,
        "seed": plan.seed,
        "set_point": plan.set_point,
        "clairvoyant_set_point": seeing.set_point,
        "policies": {
            name: _outcome(rows[number, name].outcome, seeing.outcome)
            for name in (*plan.policies, CLAIRVOYANT)
        },
    }


def _outcome(outcome: Outcome, seeing: Outcome) -> dict[str, Any]:
    return {
        "violations": outcome.violations,
        "worst_hour": outcome.worst_hour,
        "hours": relative(outcome, seeing),
        "endpoint_hours": outcome.hours,
        "changes_per_day": outcome.changes,
        "dropped": outcome.dropped,
        "seconds_in_violation": outcome.seconds_in_violation,
        "under_time": outcome.under_time,
        "under_depth": outcome.under_depth,
        "over_time": outcome.over_time,
        "over_depth": outcome.over_depth,
    }
