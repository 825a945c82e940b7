from __future__ import annotations

import pytest

from bench.ecs_size import Timed


@pytest.mark.parametrize(
    ("times", "most"),
    [([], 0), ([5.0], 1), ([0.0, 0.4, 0.9, 1.0, 1.3], 4), ([3.0, 0.0, 1.0, 2.0], 1)],
)
def test_the_most_calls_within_a_second(times: list[float], most: int) -> None:
    pace = Timed()
    pace.times = times
    assert pace.most(1.0) == most


def test_calls_count_when_they_are_made() -> None:
    """40 at once, and one each tenth of a second after that."""
    pace = Timed()
    for _ in range(60):
        pace.take("ecs:ListTasks", 100.0)
    assert pace.most(1.0) == 49
