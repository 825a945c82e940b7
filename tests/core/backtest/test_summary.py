from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.core.backtest.model import Outcome
from fairlead.core.backtest.picture import COLUMNS, Film
from fairlead.core.backtest.summary import line

BASE = Outcome(0.02, 0.1, 120.0, 50.0, 0.001, 30, 0.1, 0.02, 0.4, 0.3)


def test_means_worsts_and_sums() -> None:
    other = replace(BASE, violations=0.04, worst_hour=0.3, hours=60.0, changes=150.0)
    seeing = (replace(BASE, hours=100.0), replace(BASE, hours=40.0))
    found = line((BASE, other), seeing)
    assert (found.violations, found.worst, found.worst_hour) == (0.03, 0.04, 0.3)
    assert found.hours == pytest.approx((1.2 + 1.5) / 2)
    assert (found.endpoint_hours, found.changes_per_day) == (180.0, 100.0)
    assert found.seconds_in_violation == 60


def test_hours_without_any_to_tell_them_by() -> None:
    """A service that slept all the time has none."""
    assert line((BASE,), (replace(BASE, hours=0.0),)).hours is None


def test_film_brings_seconds_together() -> None:
    film = Film(2 * COLUMNS)
    for second in range(2 * COLUMNS):
        film(float(second), 5 + second % 2, 7 - second % 2, 0.5)
    assert len(film.columns) == COLUMNS
    first = film.columns[0]
    assert (first.demand, first.ready, first.launched) == (1.0, 5, 7)
    assert (first.requests, first.slow) == (1.0, 1.0)


def test_film_of_few_seconds() -> None:
    film = Film(3)
    for _ in range(3):
        film(2.0, 1, 1, 0.0)
    assert [each.demand for each in film.columns] == [2.0, 2.0, 2.0]
