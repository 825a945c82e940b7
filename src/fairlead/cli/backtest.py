"""fairlead backtest: what a policy would have done with the load of a trace."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.place import Number, Place, Seconds, Whole, file_option
from fairlead.cli.text import printable
from fairlead.core.errors import BadInput

if TYPE_CHECKING:
    from fairlead.backtest.run import Case, Plan, Row
    from fairlead.core.backtest.trace import Trace
    from fairlead.core.scaling.policy import Scale

POLICIES = (
    "fairlead",
    "hpa",
    "keda",
    "kpa",
    "kpa-requests",
    "aws",
    "aws-requests",
    "aws-20s",
    "static",
)
QUEUES = {"separate": 0, "pooled": 1, "0": 0, "1": 1}
MOST_ENDPOINTS = 10_000
MOST_SCENARIOS = 200


class Span(Seconds):
    """Seconds, or as settings have them: 250ms, 2s, 1m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        from fairlead.settings.numbers import seconds_of

        seconds = seconds_of(value) if isinstance(value, str) else None
        return super().convert(value if seconds is None else seconds, param, ctx)


@click.command("backtest")
@click.argument(
    "traces", nargs=-1, required=True, metavar="TRACE...", type=click.Path(path_type=Path)
)
@click.option(
    "--peak",
    type=Number(0.001, 1_000_000),
    multiple=True,
    help="Scale the trace to this largest rate, in requests a second.  [default: as it is]",
)
@click.option(
    "--start-up",
    type=Span(0, 3600),
    multiple=True,
    default=(30.0,),
    help="From an endpoint's launch to its first request; in whole seconds.  [default: 30s]",
)
@click.option(
    "--capacity",
    type=Number(0.01, 1_000_000),
    help="Requests a second that one endpoint can answer.  [default: 50]",
)
@click.option(
    "--objective",
    type=Span(0.001, 60),
    help="How long a request may take.  [default: 250ms]",
)
@click.option("--min", "least", type=Whole(0, 1000), help="Fewest endpoints.  [default: 1]")
@click.option("--max", "most", type=Whole(1, 1000), help="Most endpoints.  [default: 40]")
@click.option(
    "--queue",
    type=click.Choice(tuple(QUEUES)),
    multiple=True,
    default=("separate",),
    show_default=True,
    help="How requests wait: at each endpoint by itself (0), or all in one line (1).",
)
@click.option(
    "--policy", type=click.Choice(POLICIES), multiple=True, help="Only these.  [default: all]"
)
@click.option(
    "--set-point",
    type=Number(0.05, 1),
    default=0.6,
    show_default=True,
    help="Share of an endpoint's capacity at which the others are to keep it.",
)
@click.option(
    "--from",
    "since",
    default="",
    metavar="TIME",
    help="Begin there: a time (2026-05-01T12:00), or days from the beginning.",
)
@click.option("--days", type=Number(0.001, 400), help="Take so many days.  [default: all]")
@click.option(
    "--service", default="", help="Take bounds, objective, capacity and policy of this service."
)
@click.option(
    "--seed", type=Whole(0, 2**31), default=1, show_default=True, help="Of the arrivals' chance."
)
@click.option("--jobs", type=Whole(1, 64), help="Processes.  [default: as many as cores]")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the first scenario there, as SVG.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@file_option
def command(place: Place, traces: tuple[Path, ...], **given: Any) -> int:
    """Replay a trace of request rates through fairlead's policy and those of others.

    TRACE has counts: numbers alone (one a second), a CSV file of times and counts, an access log,
    or the history that fairlead keeps of a service; it may be packed (gzip, bzip2). Told are, for
    each policy, the share of requests slower than the objective, the endpoint-hours against those
    of a policy that sees the load before it comes, and the changes a day.
    """
    plan = _plan(place, traces, given)
    rows = _run(plan, given["jobs"] or os.cpu_count() or 1)
    if given["picture"]:
        _draw(given["picture"], plan, rows)
    if given["as_json"]:
        from fairlead.cli.backtest_document import document

        click.echo(json.dumps(document(plan, rows)))
    else:
        _show(plan, rows)
    return 0


def _plan(place: Place, paths: tuple[Path, ...], given: dict[str, Any]) -> Plan:
    from fairlead.backtest.run import Plan

    scale = _scale(place, given)
    capacity = given["capacity"] or scale.capacity or 50.0
    traces = tuple(_trace(path, given) for path in paths)
    cases = tuple(_cases(len(traces), given))
    if len(cases) > MOST_SCENARIOS:
        raise BadInput(f"these are {len(cases)} scenarios; at most {MOST_SCENARIOS} are replayed")
    _check_size(traces, given["peak"], capacity)
    objective = scale.objective.latency if scale.objective else 0.25
    return Plan(
        traces,
        cases,
        tuple(name for name in POLICIES if name in (given["policy"] or POLICIES)),
        scale,
        capacity,
        objective,
        given["seed"],
        given["set_point"],
        filmed=given["picture"] is not None,
    )


def _scale(place: Place, given: dict[str, Any]) -> Scale:
    """The service's own, or the default, which is told what an endpoint can answer; options for
    bounds and objective go before it."""
    from dataclasses import replace

    from fairlead.core.scaling.policy import Objective, Scale

    usual = Scale(min=1, max=40, capacity=given["capacity"] or 50.0)
    own = _service(place, given["service"]) if given["service"] else usual
    objective = own.objective
    if given["objective"] is not None:
        objective = replace(objective or Objective(), latency=given["objective"])
    least = own.min if given["least"] is None else given["least"]
    most = own.max if given["most"] is None else given["most"]
    if least > most:
        raise BadInput(f"min {least} is more than max {most}: give --min and --max in order")
    return replace(own, min=least, max=most, objective=objective)


def _service(place: Place, name: str) -> Scale:
    from fairlead.core.backtest.measured import check
    from fairlead.settings import load

    services = {each.name: each for each in load(place.file).services}
    if name not in services:
        raise BadInput(f"{place.file} has no service {name!r}; it has {', '.join(services)}")
    scale = services[name].scale
    if scale is None:
        raise BadInput(f"service {name} has no scale: in {place.file}; leave --service away")
    check(scale)
    return scale


def _trace(path: Path, given: dict[str, Any]) -> Trace:
    from fairlead.backtest.read import read
    from fairlead.core.backtest.trace import part

    trace = read(path)
    return part(trace, _begin(trace, given["since"]), given["days"])


def _begin(trace: Trace, text: str) -> float:
    """Seconds from the trace's beginning. BadInput for what is neither a time nor days."""
    from fairlead.backtest.rows import moment

    if not text:
        return 0.0
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if 0 <= days <= 400:
        return days * 86400
    at = moment(text)
    if at is None:
        raise BadInput(f"--from {text}: expected a time, as 2026-05-01T12:00, or days, as 2.5")
    if trace.start is None:
        raise BadInput(f"{trace.name} has no times: give --from in days from its beginning")
    return at - trace.start


def _cases(traces: int, given: dict[str, Any]) -> Iterator[Case]:
    from fairlead.backtest.run import Case
    from fairlead.core.backtest.model import Queue

    queues = dict.fromkeys(Queue(QUEUES[each]) for each in given["queue"])
    for trace in range(traces):
        for peak in dict.fromkeys(given["peak"]) or (None,):
            for start_time in dict.fromkeys(map(round, given["start_up"])):
                for queue in queues:
                    yield Case(trace, peak, start_time, queue)


def _check_size(traces: tuple[Trace, ...], peaks: tuple[float, ...], capacity: float) -> None:
    for trace in traces:
        highest = max(peaks) if peaks else max(trace.counts) / trace.period
        if highest > MOST_ENDPOINTS * capacity:
            raise BadInput(
                f"{trace.name} has up to {highest:,.0f} requests a second: more than"
                f" {MOST_ENDPOINTS:,} endpoints; scale it by --peak, or give another --capacity"
            )


def _run(plan: Plan, jobs: int) -> dict[tuple[int, str], Row]:
    """All rows; how far it is stands on a terminal's last line meanwhile."""
    from fairlead.backtest.run import run, works

    rows: dict[tuple[int, str], Row] = {}
    total, told = len(works(plan)), sys.stderr.isatty()
    for row in run(plan, jobs):
        rows[row.case, row.policy] = row
        if told:
            where = f"{plan.traces[plan.cases[row.case].trace].name}, {row.policy}"
            _line(f"{len(rows)} of {total} replays done: {printable(where)}")
    if told:
        _line("")
    return rows


def _line(text: str) -> None:
    sys.stderr.write(f"\r\x1b[K{text[:100]}")
    sys.stderr.flush()


def _draw(path: Path, plan: Plan, rows: dict[tuple[int, str], Row]) -> None:
    from fairlead.cli.backtest_svg import svg

    try:
        path.write_text(svg(plan, rows), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from error


def _show(plan: Plan, rows: dict[tuple[int, str], Row]) -> None:
    from fairlead.cli import backtest_view as view

    for line in view.head(plan):
        click.echo(printable(line))
    click.echo()
    view.show_table(plan, rows)
    click.echo()
    if len(plan.cases) > 1:
        view.show_scenarios(plan, rows)
        click.echo()
    for line in view.notes(plan, rows):
        click.echo(printable(line))
