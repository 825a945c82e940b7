"""What the bench of idle times counts, worked by hand, and what its patterns are."""

from __future__ import annotations

from random import Random

import pytest

from bench.idle import DAY, DAYS, KEPT_BACK, SHOWN, START, Cost, Fixed, Learned, run


def test_cold_requests_and_warm_seconds_of_a_fixed_keep_alive() -> None:
    # cold and started; comes while that goes on; 100 s later, kept; 1,000 s later, cold again.
    arrivals = [0.0, 5.0, START + 85.0, 1105.0]
    cost = run(arrivals, Fixed(300.0))
    warm = START + 85.0 + 300.0 + START
    assert cost == Cost(4, 3, warm)


def test_what_is_learned_meets_what_comes_on_time_and_pays_for_little() -> None:
    hourly = [n * 3600.0 for n in range(100)]
    learned, fixed = run(hourly, Learned()), run(hourly, Fixed(900.0))
    assert fixed.cold == 100
    assert learned.cold < 10
    assert learned.warm < fixed.warm / 4


@pytest.mark.parametrize("name", [*SHOWN, *KEPT_BACK])
def test_patterns_are_in_order_within_their_time_and_differ_by_seed(name: str) -> None:
    make = {**SHOWN, **KEPT_BACK}[name]
    one, same, other = make(Random(1)), make(Random(1)), make(Random(2))
    assert one == sorted(one) == same != other
    assert len(one) >= 10
    assert one[0] >= 0
    assert one[-1] < (DAYS + 1) * DAY
