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


def test_a_rate_goes_from_the_middle_of_a_period_to_that_of_the_next() -> None:
    found = list(rates(trace([60.0, 180.0, 60.0], 60), None))
    assert (found[0], found[29], found[30]) == pytest.approx((1.0, 1.0, 1.0), abs=0.1)
    assert (found[59], found[60]) == pytest.approx((2.0, 2.0), abs=0.1)
    assert max(found) == pytest.approx(3.0, abs=0.1)
    assert found[60:90] == sorted(found[60:90])
    assert found[90:120] == sorted(found[90:120], reverse=True)
    assert max(b - a for a, b in pairwise(found)) < 0.2
    assert found == pytest.approx(found[::-1])


def test_a_load_that_stays_the_same_stays_the_same() -> None:
    assert list(rates(trace([120.0] * 3, 60), None)) == pytest.approx([2.0] * 180)


def test_peak_scales_the_largest_rate() -> None:
    found = rates(trace([120.0, 60.0], 60), 600.0)
    assert (found[0], found[-1]) == (600.0, 300.0)


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
def test_rates_stay_between_the_means_of_the_bins(counts: list[float], period: int) -> None:
    of = trace([*counts, 1.0], period)
    found, span = rates(of, None), bin_of(of)
    assert len(found) == of.seconds
    step = span // period
    bins = [of.counts[at : at + step] for at in range(0, len(of.counts), step)]
    means = [sum(each) / len(each) / period for each in bins]
    assert min(found) >= min(means) * (1 - 1e-9)
    assert max(found) <= max(means) * (1 + 1e-9)
