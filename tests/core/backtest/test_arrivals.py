"""Poisson arrivals against the distribution itself; all draws are of fixed seeds."""

from __future__ import annotations

from collections import Counter
from math import exp, lgamma, log, sqrt
from random import Random
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backtest.arrivals import FEW, poisson, stream

DRAWS = 50_000
RATES = [0.05, 0.7, 3.0, 9.99, FEW, 10.01, 25.0, 150.0, 2000.0]


def drawn(rate: float, draws: int = DRAWS, seed: int = 1) -> list[int]:
    draw = stream(seed)
    return [draw(rate) for _ in range(draws)]


def chance(count: int, rate: float) -> float:
    return exp(count * log(rate) - rate - lgamma(count + 1))


@pytest.mark.parametrize("rate", RATES)
def test_mean_and_variance_are_the_rate(rate: float) -> None:
    """Within four standard errors: the variance's is that of a Poisson's fourth moment."""
    counts = drawn(rate)
    assert fmean(counts) == pytest.approx(rate, abs=4 * sqrt(rate / DRAWS))
    error = sqrt((rate + 2 * rate * rate) / DRAWS)
    assert pvariance(counts) == pytest.approx(rate, abs=4 * error)


@pytest.mark.parametrize(
    ("rate", "draws"), [*((rate, DRAWS) for rate in RATES), (FEW, 20 * DRAWS), (150.0, 20 * DRAWS)]
)
def test_each_count_comes_as_often_as_it_should(rate: float, draws: int) -> None:
    """Pearson's chi-squared over all counts that are expected five times or more; beyond its mean
    by four of its standard deviations once in ten thousand seeds."""
    seen, squares, cells, left, rest = Counter(drawn(rate, draws)), 0.0, 0, float(draws), draws
    for count in range(int(rate + 12 * sqrt(rate)) + 12):
        expected = draws * chance(count, rate)
        if expected >= 5.0:
            squares += (seen[count] - expected) ** 2 / expected
            cells, left, rest = cells + 1, left - expected, rest - seen[count]
    squares += (rest - left) ** 2 / max(left, 1.0)
    assert squares <= cells + 4 * sqrt(2 * cells)


@pytest.mark.parametrize("rate", [0.0, -1.0, -0.0])
def test_without_a_rate_nobody_comes(rate: float) -> None:
    assert {poisson(rate, Random(1).random) for _ in range(10)} == {0}


@given(st.floats(0.0, 1e7), st.integers())
def test_it_is_a_count_and_the_same_for_the_same_seed(rate: float, seed: int) -> None:
    one, other = stream(seed), stream(seed)
    counts = [one(rate) for _ in range(5)]
    assert counts == [other(rate) for _ in range(5)]
    assert all(isinstance(count, int) and count >= 0 for count in counts)


def test_seeds_differ() -> None:
    assert drawn(25.0, seed=1)[:20] != drawn(25.0, seed=2)[:20]
