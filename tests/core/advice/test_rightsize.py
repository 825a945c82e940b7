"""Sizes from samples, by hand and for any."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.advice.rightsize import Sample, percentile, sizes


def test_sizes_by_hand() -> None:
    """1 to 100: the 95th percentile is 95, and 95 x 1.3 = 123.5 is 128; 95 x 1.1 = 104.5 is 112;
    100 x 1.25 = 125 is 128."""
    (size,) = sizes(Sample("catalog", float(n), float(n)) for n in range(100, 0, -1))
    assert (size.cpu_p95, size.memory_p95, size.memory_most) == (95, 95, 100)
    assert (size.cpu, size.reservation, size.memory) == (128, 112, 128)
    assert not size.few


def test_few_samples_are_told() -> None:
    (size,) = sizes([Sample("catalog", 0.0, 0.0)])
    assert size.few
    assert (size.cpu, size.reservation, size.memory) == (32, 16, 16)


def test_services_are_kept_apart() -> None:
    found = sizes([Sample("b", 1, 1), Sample("a", 1, 1), Sample("b", 1, 1)])
    assert [(size.service, size.samples) for size in found] == [("a", 1), ("b", 2)]


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([1.0, 2.0], 0.0) == 1.0


numbers = st.floats(0, 1e6)


@given(st.lists(st.builds(Sample, st.just("s"), numbers, numbers), min_size=1))
def test_nothing_that_was_seen_exceeds_the_limit(samples: list[Sample]) -> None:
    (size,) = sizes(samples)
    assert max(sample.memory for sample in samples) <= size.memory
    assert size.reservation <= size.memory
    assert size.cpu >= size.cpu_p95
