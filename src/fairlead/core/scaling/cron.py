"""Five cron fields, and the instants that they name on a day in a time zone.

Syntax and meaning are those of crontab(5), as Debian has it: lists, ranges, steps over ranges,
names of months and days of the week; where day of the month and day of the week are both given,
either will do. Where the clock is put forward, a time that does not come is the first one that does
come; where it is put back, a time that comes twice is the first of the two. Both hold for times
whose hour and minute are fixed; where either begins with `*`, every minute that the clock shows
counts, as often as it shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from fairlead.core.errors import BadInput

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(?:\*|([0-9a-z]{1,3})(?:-([0-9a-z]{1,3}))?)(?:/([0-9]{1,2}))?")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """`times` are (hour, minute), in order. `weekdays` has 0 for Sunday, to 6 for Saturday.

    `either`: the day of the month or that of the week will do. `wild`: hour or minute begins with
    `*`.
    """

    times: tuple[tuple[int, int], ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    wild: bool

    def on(self, day: date) -> bool:
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = by_month or by_week if self.either else by_month and by_week
        return fits and day.month in self.months


@lru_cache(maxsize=64)
def parse(text: str) -> Cron:
    """BadInput: what is wrong, and in which field."""
    fields = text.lower().split()
    if len(fields) != len(_FIELDS):
        raise BadInput(
            f"expected five fields (minute, hour, day, month, weekday), found {len(fields)}"
        )
    minutes, hours, days, months, weekdays = map(_numbers, _FIELDS, fields)
    starred = [field.startswith("*") for field in fields]
    either = not (starred[2] or starred[4])
    if not either and min(days) > max(_LONGEST[month - 1] for month in months):
        raise BadInput(f"day {min(days)} does not come in these months")
    times = tuple((hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
    every_week = frozenset(day % 7 for day in weekdays)
    return Cron(times, days, months, every_week, either, starred[0] or starred[1])


def _numbers(field: _Field, text: str) -> frozenset[int]:
    return frozenset(number for term in text.split(",") for number in _term(field, term))


def _term(field: _Field, text: str) -> range:
    match = _TERM.fullmatch(text)
    if match is None:
        raise BadInput(f'{field.name}: expected *, 1, 1-5, */2 or a list of such, found "{text}"')
    first, last, step = match.groups()
    if step and first and not last:
        raise BadInput(f"{field.name}: a step needs a range: {first}-{field.high}/{step}")
    low = _number(field, first) if first else field.low
    high = _number(field, last) if last else low if first else field.high
    if last == "sun":
        high = 7
    if high < low:
        raise BadInput(f"{field.name}: {text} ends before it begins")
    if step and not int(step):
        raise BadInput(f"{field.name}: a step is 1 or more, found {text}")
    return range(low, high + 1, int(step or 1))


def _number(field: _Field, text: str) -> int:
    number = int(text) if text.isdigit() else _of_word(field, text)
    if not field.low <= number <= field.high:
        named = f" or {', '.join(field.words)}" if field.words else ""
        raise BadInput(f"{field.name}: expected {field.low} to {field.high}{named}, found {text}")
    return number


def _of_word(field: _Field, text: str) -> int:
    return field.low + field.words.index(text) if text in field.words else -1


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """UTC is known everywhere, others where the machine has the tz database. BadInput: unknown."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # 0.4 MiB that only schedules of other zones need

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"this machine knows no time zone {name}") from None


@lru_cache(maxsize=256)
def instants(text: str, zone: str, ordinal: int) -> tuple[float, ...]:
    """The epoch seconds, in order, that belong to the day of this ordinal (date.toordinal)."""
    cron, day, where = parse(text), date.fromordinal(ordinal), zone_of(zone)
    if not cron.on(day):
        return ()
    midnight = datetime.combine(day, time())
    start, end = (one.replace(tzinfo=where) for one in (midnight, midnight + timedelta(days=1)))
    if start.utcoffset() == end.utcoffset():
        begin = start.timestamp()
        return tuple(begin + 3600 * hour + 60 * minute for hour, minute in cron.times)
    named = (midnight.replace(hour=hour, minute=minute) for hour, minute in cron.times)
    of_one = _each if cron.wild else _first
    return tuple(sorted({at for shown in named for at in of_one(shown, where)}))


def _first(shown: datetime, zone: tzinfo) -> Iterator[float]:
    """The first moment at which the clock shows this time or a later one."""
    while not (moments := list(_each(shown, zone))):
        shown += _MINUTE
    yield moments[0]


def _each(shown: datetime, zone: tzinfo) -> Iterator[float]:
    """All moments at which the clock shows this time: one, two, or none."""
    moments = {shown.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
    for at in sorted(moments):
        if datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0) == shown:
            yield at
