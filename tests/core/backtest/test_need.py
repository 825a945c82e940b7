"""The fewest endpoints that hold an objective, against the tails themselves."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fairlead.core.backtest.model import Queue
from fairlead.core.backtest.queues import need, tail
from fairlead.core.errors import BadInput


@given(
    st.sampled_from(Queue),
    st.floats(0, 3000),
    st.floats(5, 500),
    st.floats(0.05, 2),
    st.sampled_from([0.001, 0.01, 0.05]),
)
def test_one_fewer_is_too_few(
    queue: Queue, rate: float, capacity: float, objective: float, budget: float
) -> None:
    assume(queue is Queue.POOLED or exp(-capacity * objective) < 0.5 * budget)
    assume(rate / capacity < 200)
    found = need(queue, rate, capacity, objective, budget)
    assert tail(queue, rate, found, capacity).beyond(objective) <= budget * (1 + 1e-6)
    if found > 1:
        assert tail(queue, rate, found - 1, capacity).beyond(objective) > budget * (1 - 1e-6)


def test_an_endpoint_that_is_too_slow_by_itself() -> None:
    """Of an idle M/M/1 of 10 requests a second, exp(-2.5) take longer than 250 ms."""
    with pytest.raises(BadInput, match="8% of the requests take longer"):
        need(Queue.SEPARATE, 5.0, 10.0, 0.25, 0.01)
    assert need(Queue.POOLED, 5.0, 10.0, 0.25, 0.01) == 2
