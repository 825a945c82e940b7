"""A backtest as an SVG picture: of each policy demand, supply and violations over the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import floor, log10
from xml.sax.saxutils import escape, quoteattr

from fairlead.backtest.run import CLAIRVOYANT, Plan, Row
from fairlead.cli.backtest_view import percent, scenario
from fairlead.cli.text import printable
from fairlead.core.backtest.picture import Column, Film

Rows = Mapping[tuple[int, str], Row]
_LEFT, _WIDE, _RIGHT = 74, 900, 46
_HIGH, _STRIP, _BETWEEN = 130, 26, 66
"""Of a panel: its curves, the strip of the violations below them, the room to the next."""
_TOP = 92
_DAY = 86400
_STEPS = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, _DAY, 2 * _DAY, 7 * _DAY, 28 * _DAY)
_TICKS = 10
_STYLE = """
svg{background:#ffffff;color:#1f2937}
text{fill:currentColor;font-size:12px}
.title{font-size:17px;font-weight:bold}.name{font-size:14px;font-weight:bold}.dim{fill:#6b7280}
.axis{stroke:#9ca3af}.grid{stroke:#9ca3af;stroke-opacity:.3}
.demand{fill:#0369a1;fill-opacity:.3;stroke:#0369a1;stroke-width:1}
.supply{fill:none;stroke:#b45309;stroke-width:1.3}
.launched{fill:none;stroke:#b45309;stroke-width:.8;stroke-dasharray:3 2;stroke-opacity:.7}
.bad{fill:#c62828}
@media (prefers-color-scheme:dark){
svg{background:#111827;color:#e5e7eb}.dim{fill:#9ca3af}
.demand{fill:#38bdf8;stroke:#38bdf8}.supply,.launched{stroke:#fbbf24}.bad{fill:#f87171}}
"""


@dataclass(frozen=True, slots=True)
class _Panel:
    """`top` is where its curves begin; `most` the requests a second at that height."""

    film: Film
    capacity: float
    top: int
    most: float

    def x(self, column: int) -> float:
        return _LEFT + _WIDE * min(1.0, column * self.film.width / self.film.seconds)

    def y(self, rate: float) -> float:
        return self.top + _HIGH * (1.0 - min(1.0, rate / self.most))


def svg(plan: Plan, rows: Rows) -> str:
    """A whole document of the first scenario; all text in it is escaped."""
    shown = [rows[0, name] for name in (*plan.policies, CLAIRVOYANT)]
    films = [(row, row.film) for row in shown if row.film is not None]
    most = _round_up(max(_highest(film, plan.capacity) for _, film in films))
    step = _HIGH + _STRIP + _BETWEEN
    parts = list(_head(plan))
    for number, (row, film) in enumerate(films):
        panel = _Panel(film, plan.capacity, _TOP + 24 + number * step, most)
        parts += _panel(plan, row, panel)
    return _document(scenario(plan, plan.cases[0]), _TOP + len(films) * step + 10, parts)


def _document(title: str, high: int, parts: list[str]) -> str:
    width = _LEFT + _WIDE + _RIGHT
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{high}'"
        f" viewBox='0 0 {width} {high}' font-family='system-ui, sans-serif' role='img'"
        f" aria-label={quoteattr(printable(title))}>\n<style>{_STYLE}</style>"
        f"\n<title>{escape(printable(title))}</title>"
    )
    return "\n".join([head, *parts, "</svg>\n"])


def _head(plan: Plan) -> Iterator[str]:
    name, _, what = scenario(plan, plan.cases[0]).partition(", ")
    yield _text(_LEFT, 28, name, "title")
    bounds = f"{plan.scale.min} to {plan.scale.max} endpoints of {plan.capacity:g} requests/s"
    yield _text(_LEFT, 48, f"{what}; {bounds}, objective {plan.objective * 1000:g} ms", "dim")
    x = _LEFT
    for kind, words in (
        ("demand", "requests a second that came"),
        ("supply", "what the ready endpoints can answer"),
        ("launched", "with those that start"),
        ("bad", "share of slow or dropped requests"),
    ):
        yield _sample(kind, x)
        yield _text(x + 26, 74, words)
        x += 46 + len(words) * 6


def _sample(kind: str, x: int) -> str:
    if kind in ("demand", "bad"):
        return f"<rect class='{kind}' x='{x}' y='64' width='20' height='11'/>"
    return f"<path class='{kind}' d='M{x} 70h20'/>"


def _panel(plan: Plan, row: Row, panel: _Panel) -> Iterator[str]:
    outcome = row.outcome
    told = (
        f"{percent(outcome.violations)} in violation, {outcome.hours:,.0f} endpoint-hours,"
        f" {outcome.changes:,.0f} changes a day"
    )
    yield _text(_LEFT, panel.top - 9, row.policy, "name")
    yield _text(_LEFT + _WIDE, panel.top - 9, told, "dim", "end")
    yield from _axes(panel, plan.traces[plan.cases[0].trace].start)
    columns = panel.film.columns
    yield _area(panel, columns)
    yield _stairs(panel, "launched", [each.launched * panel.capacity for each in columns])
    yield _stairs(panel, "supply", [each.ready * panel.capacity for each in columns])
    yield from _bad(panel, columns)


def _axes(panel: _Panel, start: float | None) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        y = panel.y(panel.most * part)
        yield f"<path class='grid' d='M{_LEFT} {y:.1f}h{_WIDE}'/>"
        yield _text(_LEFT - 8, y + 4, f"{panel.most * part:,.4g}/s", "dim", "end")
    below = panel.top + _HIGH + _STRIP
    yield f"<path class='axis' d='M{_LEFT} {below}h{_WIDE}'/>"
    yield _text(_LEFT - 8, below - 2, "violations", "dim", "end")
    for at, words in _times(panel.film.seconds, start):
        x = _LEFT + _WIDE * at / panel.film.seconds
        yield f"<path class='axis' d='M{x:.1f} {below}v5'/>"
        yield _text(x, below + 18, words, "dim", "middle")


def _times(seconds: int, start: float | None) -> Iterator[tuple[float, str]]:
    """Ticks: seconds from the beginning, and what stands there."""
    step = next((each for each in _STEPS if seconds / each <= _TICKS), seconds / _TICKS)
    begin = start or 0.0
    at = -begin % step
    while at <= seconds:
        yield at, _moment(begin + at, step, dated=start is not None)
        at += step


def _moment(at: float, step: float, *, dated: bool) -> str:
    if dated:
        form = "%d %b" if step >= _DAY else "%d %b %H:%M" if at % _DAY == 0 else "%H:%M"
        return datetime.fromtimestamp(at, UTC).strftime(form)
    return f"day {at / _DAY:g}" if step >= _DAY else f"{at / 3600:g} h"


def _area(panel: _Panel, columns: list[Column]) -> str:
    floor_y = panel.y(0.0)
    parts = [f"M{_LEFT} {floor_y:.1f}"]
    for number, column in enumerate(columns):
        parts.append(f"V{panel.y(column.demand):.1f}H{panel.x(number + 1):.1f}")
    return f"<path class='demand' d='{''.join(parts)}V{floor_y:.1f}Z'/>"


def _stairs(panel: _Panel, kind: str, values: list[float]) -> str:
    """A line that turns only where the value changes."""
    parts = [f"M{_LEFT} {panel.y(values[0]):.1f}"]
    for number, (before, after) in enumerate(pairwise(values), 1):
        if after != before:
            parts.append(f"H{panel.x(number):.1f}V{panel.y(after):.1f}")
    return f"<path class='{kind}' d='{''.join(parts)}H{_LEFT + _WIDE}'/>"


def _bad(panel: _Panel, columns: list[Column]) -> Iterator[str]:
    below = panel.top + _HIGH + _STRIP
    for number, column in enumerate(columns):
        share = min(1.0, column.slow / column.requests) if column.requests else 0.0
        high = share * (_STRIP - 4)
        if high >= 0.2:
            x, wide = panel.x(number), panel.x(number + 1) - panel.x(number)
            yield (
                f"<rect class='bad' x='{x:.1f}' y='{below - high:.1f}' width='{max(1.0, wide):.1f}'"
                f" height='{high:.1f}'/>"
            )


def _highest(film: Film, capacity: float) -> float:
    """What is launched and gone again before it is ready may leave the panel at its top."""
    return max(max(each.demand, each.ready * capacity) for each in film.columns)


def _round_up(number: float) -> float:
    size = 10.0 ** floor(log10(number)) if number > 0 else 1.0
    return next(
        (each * size for each in (1, 1.5, 2, 3, 5, 7.5) if number <= each * size), 10 * size
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    style = f" class='{kind}'" if kind else ""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}'{style} text-anchor='{anchor}'>"
        f"{escape(printable(text))}</text>"
    )
