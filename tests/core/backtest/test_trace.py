"""From counts to rates."""

from __future__ import annotations

from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backtest.trace import Trace, bin_of, part, rates
from fairlead.core.errors import BadInput


def trace(counts: list[float], period: int = 1) -> Trace:
    return Trace("t", array("d", counts), period, 1000.0)


@pytest.mark.parametrize(
    ("rate", "period", "span"),
    [
        (100.0, 1, 1),
        (99.0, 1, 5),
        (20.0, 1, 5),
        (19.0, 1, 15),
        (6.0, 1, 60),
        (0.7, 1, 60),
        (0.7, 60, 60),
        (500.0, 60, 60),
        (0.1, 300, 300),
        (7.0, 10, 60),
    ],
)
def test_bins_hold_a_hundred_requests_or_a_minute(rate: float, period: int, span: int) -> None:
    assert bin_of(trace([rate * period] * 600, period)) == span


def test_a_rate_goes_from_middle_to_middle_and_keeps_what_came_in_each_period() -> None:
    found = list(rates(trace([60.0, 180.0, 60.0], 60), None))
    assert [sum(found[at : at + 60]) for at in (0, 60, 120)] == pytest.approx([60, 180, 60])
    assert found[60:90] == sorted(found[60:90])
    assert found[90:120] == sorted(found[90:120], reverse=True)
    assert max(b - a for a, b in pairwise(found)) < 1.0
    assert found == pytest.approx(found[::-1])


def test_a_load_that_stays_the_same_stays_the_same() -> None:
    assert list(rates(trace([120.0] * 3, 60), None)) == pytest.approx([2.0] * 180)


def test_peak_scales_the_largest_rate() -> None:
    found = rates(trace([120.0, 60.0], 60), 600.0)
    assert sum(found[:60]) == pytest.approx(60 * 600.0)
    assert sum(found[60:]) == pytest.approx(60 * 300.0)


def test_a_last_bin_that_is_not_full_is_a_mean_too() -> None:
    found = rates(trace([20.0] * 10 + [40.0] * 2), None)
    assert len(found) == 12
    assert min(found) >= 15.0


def test_a_part_is_whole_periods_and_moves_the_start() -> None:
    found = part(trace([float(n) for n in range(48)], 3600), 86400.0, 0.5)
    assert list(found.counts) == [float(n) for n in range(24, 36)]
    assert found.start == 1000.0 + 86400


def test_a_part_beyond_the_end() -> None:
    with pytest.raises(BadInput, match="nothing is left"):
        part(trace([1.0] * 48, 3600), 2.5 * 86400, None)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=200), st.sampled_from([1, 10, 60]))
def test_binning_keeps_the_requests(counts: list[float], period: int) -> None:
    found = rates(trace([*counts, 1.0], period), None)
    assert len(found) == (len(counts) + 1) * period
    assert sum(found) == pytest.approx(sum(counts) + 1.0)
