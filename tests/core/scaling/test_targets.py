"""The proportion rule, worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.scaling.policy import Metric, Share, Source, Target
from fairlead.core.scaling.targets import opinion
from fairlead.core.scaling.verdict import Opinion, Reading, Sight

NOW, GONE = 1000.0, 900.0
EACH = Target("requests", Metric(Source.REQUESTS), 10.0)
MEAN = Target("cpu", Metric(Source.CPU), 0.5, Share.AVERAGE)


def asked(target: Target, value: float, wanted: int, ready: int | None = None) -> Opinion:
    readings = {target.name: Reading(value, NOW)}
    ready = wanted if ready is None else ready
    return opinion(target, Sight(NOW, wanted, ready, readings=readings), GONE)


@pytest.mark.parametrize(
    ("value", "wanted", "count", "why"),
    [
        (60.0, 2, 6, "in all"),
        (61.0, 2, 7, "in all"),
        (0.0, 4, 0, "in all"),
        (43.9, 4, 4, "within 10%"),
        (44.0, 4, 4, "within 10%"),
        (44.1, 4, 5, "in all"),
        (36.0, 4, 4, "within 10%"),
        (35.9, 4, 4, "in all"),
        (30.0, 4, 3, "in all"),
        (5.0, 0, 1, "in all"),
        (0.0, 0, 0, "in all"),
    ],
)
def test_of_a_sum_each_endpoint_takes_its_part(
    value: float, wanted: int, count: int, why: str
) -> None:
    found = asked(EACH, value, wanted)
    assert (found.count, found.why, found.value, found.target) == (count, why, value, 10.0)


@pytest.mark.parametrize(
    ("value", "wanted", "ready", "count", "why"),
    [
        (1.0, 4, 4, 8, "each"),
        (0.25, 4, 4, 2, "each"),
        (0.54, 4, 4, 4, "within 10%"),
        (0.46, 4, 4, 4, "within 10%"),
        (0.0, 4, 4, 0, "each"),
        (0.9, 4, 2, 4, "those that start will do"),  # two at 180 % are four at 90 %
        (1.1, 4, 2, 4, "those that start will do"),  # four at 110 %
        (2.0, 4, 2, 8, "each"),
        (0.25, 4, 2, 1, "each"),
        (1.0, 4, 0, None, "nothing is ready"),
        (0.8, 4, 8, 7, "each"),  # eight during a roll: four times 1.6
    ],
)
def test_a_mean_is_brought_to_its_target(
    value: float, wanted: int, ready: int, count: int | None, why: str
) -> None:
    found = asked(MEAN, value, wanted, ready)
    assert (found.count, found.why, found.value) == (count, why, value)


def test_what_is_whole_but_for_rounding_is_whole() -> None:
    """0.7 of three at a target of 0.3 are seven: 0.7 / 0.3 x 3 is a little more."""
    mean = Target("cpu", Metric(Source.CPU), 0.3, Share.AVERAGE)
    assert asked(mean, 0.7, 3).count == 7
    assert asked(Target("requests", Metric(Source.REQUESTS), 0.1), 0.3, 1).count == 3


@pytest.mark.parametrize("target", [EACH, MEAN])
def test_a_reading_ages(target: Target) -> None:
    for age, known in ((0.0, True), (900.0, True), (901.0, False)):
        readings = {target.name: Reading(target.value * 2, NOW - age)}
        found = opinion(target, Sight(NOW, 3, 3, readings=readings), GONE)
        assert (found.count is not None) is known
    assert (found.value, found.why) == (None, "not known for 901 s")
    assert opinion(target, Sight(NOW, 3, 3), GONE).why == "not known"


@given(st.sampled_from([EACH, MEAN]), st.floats(), st.integers(0, 50), st.integers(0, 50))
def test_no_number_is_too_much_for_it(
    target: Target, value: float, wanted: int, ready: int
) -> None:
    found = asked(target, value, wanted, ready)
    assert found.count is None or 0 <= found.count <= 50 * 10**9


@given(
    st.sampled_from([EACH, MEAN]),
    st.floats(0.0, 1e6),
    st.floats(0.0, 1e6),
    st.integers(1, 50),
    st.integers(1, 50),
)
def test_more_never_asks_for_less(
    target: Target, one: float, other: float, wanted: int, ready: int
) -> None:
    less, more = (asked(target, value, wanted, ready).count for value in sorted((one, other)))
    assert less is not None
    assert more is not None
    assert less <= more
