"""A backtest for people: a table of the policies, and one of the scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from fairlead.backtest.run import CLAIRVOYANT, Case, Plan, Row
from fairlead.cli.bill_view import columns
from fairlead.cli.text import count, echo
from fairlead.core.backtest.model import Queue
from fairlead.core.backtest.roster import EXPLAINED
from fairlead.core.backtest.summary import Line, line
from fairlead.core.backtest.trace import DAY, Trace, bin_of

Rows = Mapping[tuple[int, str], Row]
QUEUE_WORDS = {
    Queue.SEPARATE: "each endpoint has a queue of its own",
    Queue.POOLED: "all endpoints share one queue",
}


def head(plan: Plan) -> Iterator[str]:
    for trace in plan.traces:
        yield from _trace(trace)
    yield (
        f"{plan.scale.min} to {plan.scale.max} endpoints of {plan.capacity:g} requests/s each;"
        f" objective {plan.objective * 1000:g} ms"
    )
    if plan.scale.schedules:
        yield "the schedules of its bounds are not replayed"
    if len(plan.cases) == 1:
        yield scenario(plan, plan.cases[0])


def _trace(trace: Trace) -> Iterator[str]:
    begin = "" if trace.start is None else f" from {_moment(trace.start)}"
    highest = max(trace.counts) / trace.period
    yield (
        f"{trace.name}: {trace.seconds / DAY:.2f} days{begin}, {sum(trace.counts):,.0f} requests,"
        f" up to {highest:,.1f} a second, rates over {bin_of(trace)} s"
    )
    if trace.filled:
        missing = count(len(trace.filled), "period")
        yield f"  {missing} of {trace.period} s were missing: interpolated"
    if trace.skipped:
        yield f"  {count(trace.skipped, 'line')} were none of a log: left out"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def scenario(plan: Plan, case: Case) -> str:
    trace = plan.traces[case.trace].name
    peak = "as it is" if case.peak is None else f"peak {case.peak:g}/s"
    return f"{trace}, {peak}, start-up {case.start_time} s, {QUEUE_WORDS[case.queue]}"


def show_table(plan: Plan, rows: Rows) -> None:
    """Each policy over all scenarios."""
    many = len(plan.cases) > 1
    worst = "WORST" if many else "WORST HOUR"
    numbers = ["VIOLATIONS", worst, "HOURS", "BY BEST", "CHANGES/DAY", "TOO FEW", "TOO MANY"]
    table = columns(["POLICY"], numbers)
    for name in (*plan.policies, CLAIRVOYANT):
        table.add_row(name, *_cells(summed(plan, rows, name), many=many))
    echo(table)


def summed(plan: Plan, rows: Rows, name: str) -> Line:
    numbers = range(len(plan.cases))
    seeing = [rows[case, CLAIRVOYANT].outcome for case in numbers]
    return line([rows[case, name].outcome for case in numbers], seeing)


def _cells(of: Line, *, many: bool) -> list[str]:
    return [
        percent(of.violations),
        percent(of.worst if many else of.worst_hour),
        f"{of.endpoint_hours:,.0f}",
        "-" if of.hours is None else f"{of.hours:.2f}",
        f"{of.changes_per_day:,.0f}",
        percent(of.under_time),
        percent(of.over_time),
    ]


def percent(share: float) -> str:
    return f"{share:.2%}" if share < 0.1 else f"{share:.1%}"


def show_scenarios(plan: Plan, rows: Rows) -> None:
    """Of each scenario the violations, and at how many hours by the clairvoyant's."""
    table = columns(["SCENARIO"], [name.upper() for name in plan.policies])
    for number, case in enumerate(plan.cases):
        cells = [_short(rows, number, name) for name in plan.policies]
        table.add_row(_label(plan, case), *cells)
    echo(table)


def _label(plan: Plan, case: Case) -> str:
    peak = "" if case.peak is None else f" {case.peak:g}/s"
    return f"{plan.traces[case.trace].name[:24]}{peak} {case.start_time}s {case.queue.name.lower()}"


def _short(rows: Rows, number: int, name: str) -> str:
    outcome, best = rows[number, name].outcome, rows[number, CLAIRVOYANT].outcome
    hours = f"{outcome.hours / best.hours:.2f}" if best.hours else "-"
    return f"{percent(outcome.violations)} at {hours}"


def notes(plan: Plan, rows: Rows) -> Iterator[str]:
    yield (
        f"VIOLATIONS: share of the requests slower than {plan.objective * 1000:g} ms, or dropped."
        " HOURS: of endpoints, from their launch."
    )
    yield (
        "BY BEST: against a clairvoyant policy that sees the next start-up and a minute, and has 1"
        " % in violation."
    )
    yield "TOO FEW, TOO MANY: share of the time with fewer, or more, than 1 % in violation needs."
    others = [name for name in plan.policies if name != "fairlead"]
    if others:
        yield f"The others keep endpoints at {plan.set_point:.0%} of their capacity:"
    for name in others:
        yield f"  {name}: {EXPLAINED[name]}"
    yield from _warnings(plan, rows)


def _warnings(plan: Plan, rows: Rows) -> Iterator[str]:
    """Where the bounds keep even the clairvoyant from its one in a hundred."""
    for number, case in enumerate(plan.cases):
        share = rows[number, CLAIRVOYANT].outcome.violations
        if share > 0.015:
            yield (
                f"{scenario(plan, case)}: with at most {plan.scale.max} endpoints no policy can do"
                f" better than {percent(share)}"
            )
