from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.curve import PRIOR, Curve

WITHIN = 12.5
"""50 requests a second in 250 ms."""


def curve(fade: float = 1.0) -> Curve:
    made = Curve(fade)
    made.believe(WITHIN)
    return made


@pytest.mark.parametrize("used", [0.01, 0.31, 0.61, 0.91])
def test_it_begins_as_that_of_an_mm1(used: float) -> None:
    """In the middle of its fiftieths."""
    assert curve().slow(used) == pytest.approx(exp(-WITHIN * (1.0 - used)))


@pytest.mark.parametrize("used", [1.0, 1.5, float("inf")])
def test_who_is_used_to_the_full_is_slow(used: float) -> None:
    assert curve().slow(used) == 1.0


def test_what_is_seen_outweighs_what_was_believed() -> None:
    """After as many ticks as the belief counts, half way between them; only there."""
    found, before = curve(), curve().slow(0.61)
    for _ in range(int(PRIOR)):
        found.learn(0.61, 1.0, 0.3)
    assert found.slow(0.61) == pytest.approx((before + 0.3) / 2)
    assert found.slow(0.59) == curve().slow(0.59)
    for _ in range(10_000):
        found.learn(0.61, 1.0, 0.3)
    assert found.slow(0.61) == pytest.approx(0.3, rel=0.01)


def test_a_tick_counts_by_its_requests() -> None:
    one, four = curve(), curve()
    one.learn(0.5, 4.0, 0.2)
    for _ in range(4):
        four.learn(0.5, 1.0, 0.2)
    assert one.slow(0.5) == pytest.approx(four.slow(0.5))


def test_old_ticks_fade() -> None:
    """A service that has become quicker is believed to be, in the end."""
    found = curve(fade=0.99)
    for slow in [1.0] * 1000 + [0.0] * 1000:
        found.learn(0.5, 1.0, slow)
    assert found.slow(0.5) < 0.01
    kept = curve(fade=1.0)
    for slow in [1.0] * 1000 + [0.0] * 1000:
        kept.learn(0.5, 1.0, slow)
    assert kept.slow(0.5) == pytest.approx(0.5, abs=0.01)


def test_another_objective_is_another_belief_over_what_was_seen() -> None:
    found = curve()
    found.learn(0.5, PRIOR, 0.4)
    found.believe(2.0)
    believed = exp(-2.0 * (1 - 0.51))
    assert found.slow(0.5) == pytest.approx((0.4 + believed) / 2)


@pytest.mark.parametrize("used", [-0.1, 1.0, 7.0])
def test_beyond_the_curve_nothing_is_learned(used: float) -> None:
    found = curve()
    found.learn(used, 1000.0, 0.9)
    assert [found.slow(n / 100) for n in range(100)] == [curve().slow(n / 100) for n in range(100)]


@given(
    st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 5.0), st.floats(0.0, 1.0))),
    st.floats(0.0, 2.0),
)
def test_it_is_a_share(ticks: list[tuple[float, float, float]], used: float) -> None:
    found = curve(fade=0.9)
    for tick in ticks:
        found.learn(*tick)
    assert 0.0 <= found.slow(used) <= 1.0 + 1e-9
