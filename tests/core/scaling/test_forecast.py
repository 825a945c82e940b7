"""Trend and season, against the formulas as books have them."""

from __future__ import annotations

from collections.abc import Sequence
from math import sin
from random import Random
from statistics import linear_regression, mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.forecast import CLEAR, DAY, FEWEST, LENGTH, SLOT, Season, Trend


def fitted(rates: Sequence[float], ticks: float) -> float:
    """By the library's least squares, and the standard error of its slope."""
    places = range(len(rates))
    slope, begin = linear_regression(places, rates)
    rest = sum((rate - begin - slope * at) ** 2 for at, rate in enumerate(rates))
    spread = sum((at - mean(places)) ** 2 for at in places)
    error = (rest / (len(rates) - 2) / spread) ** 0.5
    return begin + slope * (len(rates) - 1 + ticks) if slope > CLEAR * error else 0.0


def trend_of(rates: Sequence[float]) -> Trend:
    trend = Trend()
    for rate in rates:
        trend.add(rate)
    return trend


def test_a_trend_is_that_of_least_squares_for_as_long_as_it_runs() -> None:
    """Hours of a load that goes up and down, noisy and not: at each tick as if fitted anew."""
    chance, trend, rates = Random(5), Trend(), list[float]()
    seen = set()
    for at in range(3000):
        noise = chance.gauss(0.0, 1.0 if at % 1000 < 500 else 100.0)
        rates.append(5000.0 + 400.0 * sin(at / 60.0) + noise)
        trend.add(rates[-1])
        if len(rates) >= FEWEST:
            expected = fitted(rates[-LENGTH:], 8.0)
            assert trend.ahead(8.0) == pytest.approx(expected, rel=1e-6)
            seen.add(expected > 0.0)
    assert seen == {True, False}


def test_what_has_gone_leaves_no_trace_in_the_sums() -> None:
    """Noise after a peak of ten thousand million times the load."""
    chance = Random(7)
    rates = [1e12 / 3] * 30 + [chance.gauss(100.0, 10.0) + at / 30 for at in range(6 * LENGTH)]
    trend = trend_of(rates[: 30 + 2 * LENGTH])
    for at in range(30 + 2 * LENGTH, len(rates)):
        trend.add(rates[at])
        assert trend.ahead(8.0) == pytest.approx(fitted(rates[: at + 1][-LENGTH:], 8.0), rel=1e-6)


@given(st.floats(0.0, 1e4), st.floats(0.1, 1e3), st.integers(FEWEST, 200), st.floats(0.0, 100.0))
def test_a_line_goes_on(begin: float, slope: float, length: int, ticks: float) -> None:
    rates = [begin + slope * at for at in range(length)]
    assert trend_of(rates).ahead(ticks) == pytest.approx(rates[-1] + slope * ticks, rel=1e-6)


@given(st.floats(0.1, 100.0), st.integers(FEWEST, 200))
def test_what_falls_or_stays_is_no_trend(slope: float, length: int) -> None:
    assert trend_of([1e6 - slope * at for at in range(length)]).ahead(8.0) == 0.0
    assert trend_of([64.0] * length).ahead(8.0) == 0.0


def test_few_are_no_trend() -> None:
    assert trend_of(range(FEWEST - 1)).ahead(8.0) == 0.0
    assert trend_of(range(FEWEST)).ahead(8.0) > 0.0


def test_noise_is_seldom_taken_for_a_trend() -> None:
    """Three standard errors: of noise without a trend less than one in a hundred."""
    chance, found = Random(6), 0
    for _ in range(1000):
        found += trend_of([chance.gauss(100.0, 10.0) for _ in range(LENGTH)]).ahead(8.0) > 0.0
    assert 0 < found < 10


def day_of(season: Season, day: int, peak: float) -> None:
    """Ten requests a second, from noon to a quarter past `peak`."""
    for at in range(0, int(DAY), 60):
        noon = DAY / 2 <= at < DAY / 2 + 900
        season.add(day * DAY + at, peak if noon else 10.0)


def test_a_day_s_profile() -> None:
    season, noon = Season(), DAY * 1.5
    day_of(season, 0, 100.0)
    assert season.ahead(noon - 2 * SLOT, SLOT - 1) == 10.0
    assert season.ahead(noon - SLOT, SLOT) == 100.0
    assert season.ahead(noon - 40.0, 40.0) == 100.0
    assert season.ahead(noon + 899, 0.0) == 100.0
    assert season.ahead(noon + 900, 3600.0) == 10.0


def test_the_last_day_counts_for_half() -> None:
    season = Season()
    for day, peak in enumerate((100.0, 200.0, 50.0)):
        day_of(season, day, peak)
    assert season.ahead(DAY * 3.5, 60.0) == pytest.approx(((100 + 200) / 2 + 50) / 2)


def test_of_five_minutes_the_highest_counts() -> None:
    season = Season()
    for at, rate in ((0.0, 5.0), (100.0, 90.0), (200.0, 7.0), (300.0, 1.0)):
        season.add(at, rate)
    assert season.ahead(DAY, 10.0) == 90.0


def test_it_looks_past_midnight() -> None:
    season = Season()
    for at, rate in ((0.0, 70.0), (SLOT, 1.0), (2 * SLOT, 1.0)):
        season.add(at, rate)
    assert season.ahead(DAY - 30.0, 40.0) == 70.0
    assert season.ahead(DAY - 30.0, 20.0) == 0.0


def test_what_was_never_seen_is_none() -> None:
    assert Season().ahead(1e9, DAY) == 0.0
