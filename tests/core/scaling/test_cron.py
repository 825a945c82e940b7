"""Cron fields: what they name, compared with cronsim, which mimics Debian's cron; what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given
from hypothesis import strategies as st

from fairlead.core.errors import BadInput
from fairlead.core.scaling.cron import instants, parse, zone_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kolkata",
)
"""Santiago and Cairo put the clock forward at midnight; Kolkata is half an hour off."""
BERLIN = ZoneInfo("Europe/Berlin")


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    span = (
        st.lists(one, min_size=2, max_size=2, unique=True).map(sorted).map("{0[0]}-{0[1]}".format)
    )
    step = st.integers(1, 30)
    terms = st.one_of(one.map(str), span, st.builds("{}/{}".format, span, step))
    listed = st.lists(terms, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), st.builds("*/{}".format, step), listed)


CRONS = st.tuples(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12), _field(0, 7)).map(
    " ".join
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001
CHANGES = st.sampled_from([
    datetime(2026, 3, 28, 12), datetime(2026, 10, 24, 12),  # noqa: DTZ001
    datetime(2026, 3, 7, 12), datetime(2026, 10, 31, 12),  # noqa: DTZ001
    datetime(2026, 9, 5, 12), datetime(2026, 4, 4, 12),  # noqa: DTZ001
    datetime(2026, 4, 23, 12), datetime(2026, 10, 29, 12),  # noqa: DTZ001
])  # fmt: skip
"""The noon before the clock is changed: in Berlin, New York, Santiago and Cairo."""


@given(CRONS, st.sampled_from(ZONES), MOMENTS | CHANGES)
@example("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12))  # noqa: DTZ001
@example("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12))  # noqa: DTZ001
@example("0,30 * * * *", "Europe/Berlin", datetime(2026, 10, 24, 12))  # noqa: DTZ001
@example("0 0 * * *", "America/Santiago", datetime(2026, 9, 5, 12))  # noqa: DTZ001
def test_it_names_what_debians_cron_runs(cron: str, zone: str, begin: datetime) -> None:
    start = begin.replace(tzinfo=ZoneInfo(zone), second=0, microsecond=0)
    end = (start.astimezone(UTC) + timedelta(days=1)).astimezone(ZoneInfo(zone))
    wanted = {at.timestamp() for at in takewhile(lambda at: at <= end, CronSim(cron, start))}
    days = range(start.toordinal() - 1, end.toordinal() + 2)
    named = [at for day in days for at in instants(cron, zone, day)]
    assert {at for at in named if start.timestamp() < at <= end.timestamp()} == wanted
    assert named == sorted(named)


def _shown(cron: str, year: int, month: int, day: int) -> list[str]:
    """The moments of a day in Berlin, as its clock shows them, with the offset."""
    ordinal = datetime(year, month, day, tzinfo=UTC).toordinal()
    moments = instants(cron, "Europe/Berlin", ordinal)
    return [datetime.fromtimestamp(at, BERLIN).strftime("%H:%M%z") for at in moments]


@pytest.mark.parametrize(
    ("cron", "day", "shown"),
    [
        ("0 8 * * *", (2026, 7, 1), ["08:00+0200"]),
        ("30 2 * * *", (2026, 3, 29), ["03:00+0200"]),  # 02:00 to 02:59 do not come
        ("15,45 2 * * *", (2026, 3, 29), ["03:00+0200"]),
        ("0 3 * * *", (2026, 3, 29), ["03:00+0200"]),
        ("30 2 * * *", (2026, 10, 25), ["02:30+0200"]),  # 02:00 to 02:59 come twice
        ("0 8 * * sat-sun", (2026, 10, 25), ["08:00+0100"]),
        ("0 8 * * 7", (2026, 10, 25), ["08:00+0100"]),
        ("0 8 * * mon-fri", (2026, 10, 25), []),
        ("0 8 13 * fri", (2026, 11, 20), ["08:00+0100"]),  # a Friday
        ("0 8 13 * fri", (2026, 12, 13), ["08:00+0100"]),  # a Sunday
        ("0 8 13 * fri", (2026, 12, 14), []),
        ("0 8 */2 * fri", (2026, 11, 20), []),  # an even day, and both must hold
        ("0 8 */2 * fri", (2026, 11, 27), ["08:00+0100"]),
        (
            "5-59/25 8 * NOV Wed",
            (2026, 11, 25),
            ["08:05+0100", "08:30+0100", "08:55+0100"],
        ),
    ],
)
def test_worked_by_hand(cron: str, day: tuple[int, int, int], shown: list[str]) -> None:
    assert _shown(cron, *day) == shown


@pytest.mark.parametrize(
    ("month", "day", "hours", "shown"),
    [
        (3, 29, 23, ["00:30+0100", "01:30+0100", "03:30+0200", "04:30+0200"]),
        (10, 25, 25, ["00:30+0200", "01:30+0200", "02:30+0200", "02:30+0100", "03:30+0100"]),
    ],
)
def test_every_hour_is_every_hour_that_the_clock_shows(
    month: int, day: int, hours: int, shown: list[str]
) -> None:
    found = _shown("30 * * * *", 2026, month, day)
    assert found[: len(shown)] == shown
    assert len(found) == hours


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("0 8 * *", "expected five fields (minute, hour, day, month, weekday), found 4"),
        ("", "found 0"),
        ("0 0 8 * * *", "found 6"),
        ("@daily", "found 1"),
        ("60 8 * * *", "minute: expected 0 to 59, found 60"),
        ("0 24 * * *", "hour: expected 0 to 23, found 24"),
        ("0 8 0 * *", "day of the month: expected 1 to 31, found 0"),
        ("0 8 * 13 *", "month: expected 1 to 12 or jan, feb,"),
        ("0 8 * * 8", "day of the week: expected 0 to 7 or sun, mon,"),
        (
            "0 8 * * monday",
            'day of the week: expected *, 1, 1-5, */2 or a list of such, found "monday"',
        ),
        ("0 8 * * xyz", "day of the week: expected 0 to 7 or sun,"),
        ("mon 8 * * *", "minute: expected 0 to 59, found mon"),
        ("0 17-8 * * *", "hour: 17-8 ends before it begins"),
        ("0 8 * * fri-mon", "day of the week: fri-mon ends before it begins"),
        ("5/15 8 * * *", "minute: a step needs a range: 5-59/15"),
        ("*/0 8 * * *", "minute: a step is 1 or more, found */0"),
        ("0 8 L * *", "day of the month: expected 1 to 31, found l"),
        ("0 8 * * 5#3", 'found "5#3"'),
        ("0, 8 * * *", 'minute: expected *, 1, 1-5, */2 or a list of such, found ""'),
        ("0 8 30 2 *", "day 30 does not come in these months"),
        ("0 8 31 4,6,9,11 *", "day 31 does not come in these months"),
    ],
)
def test_what_is_wrong(cron: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(cron)
    assert told in str(caught.value)


@given(st.text(st.sampled_from("0123456789*/-, monfrijanL#@\u0663"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        times = parse(text).times
    except BadInput:
        return
    assert times


@pytest.mark.parametrize(
    "name", ["Europe/Berlim", "../../etc/passwd", "", "/etc/localtime", "a\0b", "Europe"]
)
def test_an_unknown_zone_is_told(name: str) -> None:
    with pytest.raises(BadInput, match="knows no time zone"):
        zone_of(name)
