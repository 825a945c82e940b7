from __future__ import annotations

import pytest

from fairlead.core.scaling.capacity import BUSY, DISTRESS, NEWER, Capacity

BUDGET = 0.05
END = DISTRESS * BUDGET
"""Share of slow requests beyond which an endpoint is at its end."""


def taught(*ticks: tuple[float, float, float]) -> float:
    capacity = Capacity()
    for answered, in_flight, slow in ticks:
        capacity.learn(answered, in_flight, slow, BUDGET)
    return capacity.value


@pytest.mark.parametrize(
    ("tick", "value"),
    [
        ((40.0, 10.0, 0.9), 40.0),
        ((40.0, BUSY, END + 0.01), 40.0),
        ((40.0, 10.0, END), 0.0),  # not at its end
        ((40.0, 0.9, 0.9), 0.0),  # slow though idle: more endpoints would not help
        ((0.0, 10.0, 1.0), 0.0),  # answers nothing
        ((40.0, 10.0, 0.0), 0.0),  # in good time: it might answer more
    ],
)
def test_only_an_endpoint_at_its_end_says_what_it_can_answer(
    tick: tuple[float, float, float], value: float
) -> None:
    assert taught(tick) == value


def test_later_ends_move_it_by_a_fifth() -> None:
    assert taught((40.0, 10.0, 0.9), (60.0, 10.0, 0.9)) == pytest.approx(40 + NEWER * 20)
    assert taught(*[(40.0, 10.0, 0.9)] * 5, *[(20.0, 10.0, 0.9)] * 40) == pytest.approx(20, abs=0.1)


def test_what_is_answered_in_good_time_raises_it_at_once_and_never_lowers_it() -> None:
    end = (40.0, 10.0, 0.9)
    assert taught(end, (55.0, 3.0, BUDGET)) == 55.0
    assert taught(end, (55.0, 3.0, BUDGET + 0.01)) == 40.0
    assert taught(end, (5.0, 0.1, 0.0)) == 40.0
