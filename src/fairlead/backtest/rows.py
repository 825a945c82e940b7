"""Counts as numbers alone (one a second), or as rows of a time and a count."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from fairlead.core.backtest.trace import DAY, LONGEST, MOST_COUNT, Trace, interpolated
from fairlead.core.errors import BadInput

COUNT_NAMES = ("count", "requests", "value")
MOST_FILLED = 0.25
"""Share of the periods that may be missing."""
_EPOCH, _MILLISECONDS = 1e8, 1e11
"""From these numbers on a time is seconds since 1970, or milliseconds."""


class _Row(NamedTuple):
    line: int
    at: float
    requests: float


def numbers(path: Path, name: str, words: Iterator[str]) -> Trace:
    """One number for each second, on one line or many."""
    counts = array("d")
    for number, word in enumerate(words, 1):
        counts.append(_count(f"{path}, number {number}", word))
        if number > LONGEST:
            raise BadInput(f"{path} holds more than {LONGEST:,} numbers: {LONGEST // DAY} days")
    return Trace(name, counts, 1)


def table(path: Path, name: str, lines: Iterator[str]) -> Trace:
    """Rows of a time (ISO, or seconds or milliseconds since 1970) and a count; the first row may
    name the columns. The period is the commonest distance between two rows."""
    rows = list(_rows(path, lines))
    if len(rows) < 2:
        raise BadInput(f"{path}: {len(rows)} rows: at least two are needed to know the period")
    period = _period(path, rows)
    points = list(_points(path, rows, period))
    _check_gaps(path, rows, points, period)
    counts, filled = interpolated(points)
    start = rows[0].at if rows[0].at >= _EPOCH else None
    return Trace(name, counts, period, start, filled)


def _rows(path: Path, lines: Iterator[str]) -> Iterator[_Row]:
    column, before, first = 1, -math.inf, True
    for number, line in enumerate(lines, 1):
        cells = [cell.strip().strip('"') for cell in _split(line)]
        if not any(cells) or cells[0].startswith("#"):
            continue
        named, first = first and _seconds(cells[0]) is None, False
        if named:
            column = _column(f"{path}:{number}", cells)
            continue
        where = f"{path}:{number}"
        if len(cells) <= column:
            raise BadInput(f"{where}: expected a time and a count, found {line.strip()[:60]!r}")
        row = _Row(number, _time(where, cells[0]), _count(where, cells[column]))
        if row.at <= before:
            raise BadInput(f"{where}: {cells[0]} is not later than the row before: sort them")
        before = row.at
        yield row


def _split(line: str) -> list[str]:
    for separator in (",", ";", "\t"):
        if separator in line:
            return line.split(separator)
    return [line]


def _column(where: str, names: list[str]) -> int:
    """Of the counts: the second, unless a name says it."""
    if len(names) < 2:
        raise BadInput(f"{where}: expected columns of a time and a count, found {names[0][:60]!r}")
    lower = [name.lower() for name in names]
    return next((lower.index(name) for name in COUNT_NAMES if name in lower[1:]), 1)


def _time(where: str, text: str) -> float:
    found = _seconds(text)
    if found is None:
        raise BadInput(
            f"{where}: {text[:40]!r} is no time: expected 2026-05-01T12:00:00 or seconds since 1970"
        )
    return found


def _seconds(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return moment(text)
    if not math.isfinite(number) or not 0 <= number < 1e14:
        return None
    return number / 1000 if number >= _MILLISECONDS else number


def moment(text: str) -> float | None:
    """Of an ISO time; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return zoned.timestamp()
    except (OverflowError, OSError):
        return None


def _count(where: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= MOST_COUNT:
        raise BadInput(
            f"{where}: {text[:40]!r} is no count of requests: expected 0 to {MOST_COUNT:g}"
        )
    return number


def _period(path: Path, rows: list[_Row]) -> int:
    gaps = Counter(round(later.at - earlier.at, 3) for earlier, later in pairwise(rows))
    most = max(gaps.values())
    period = min(gap for gap, times in gaps.items() if times == most)
    if not 1 <= period <= DAY or period != round(period):
        raise BadInput(
            f"{path}: its rows are {period:g} s apart; expected whole seconds, 1 to {DAY:,}"
        )
    return round(period)


def _points(path: Path, rows: list[_Row], period: int) -> Iterator[tuple[int, float]]:
    """The number of each row's period, and its count."""
    first, before = rows[0].at, -1
    for row in rows:
        number = round((row.at - first) / period)
        if number <= before:
            raise BadInput(f"{path}:{row.line}: a second row for the same period of {period} s")
        before = number
        yield number, row.requests


def _check_gaps(path: Path, rows: list[_Row], points: list[tuple[int, float]], period: int) -> None:
    periods = points[-1][0] + 1
    if periods * period > LONGEST:
        raise BadInput(f"{path} spans {periods * period / DAY:,.0f} days: at most {LONGEST // DAY}")
    missing = periods - len(points)
    if missing > MOST_FILLED * periods:
        worst = max(pairwise(rows), key=lambda two: two[1].at - two[0].at)
        raise BadInput(
            f"{path}: {missing:,} of {periods:,} periods of {period} s are missing, the longest gap"
            f" before line {worst[1].line}: give a part without it"
        )
