from __future__ import annotations

import pytest

from fairlead.core.backtest.measured import check, readings
from fairlead.core.errors import BadInput
from fairlead.core.scaling.policy import Metric, Scale, Source, Target
from tests.core.backtest.given import Given


def scaled(*sources: Source) -> Scale:
    return Scale(targets=tuple(Target(source.value, Metric(source), 10.0) for source in sources))


def test_readings_are_of_the_last_seconds() -> None:
    history = Given(
        of_arrivals=lambda at: 30.0 if at >= 85 else 0.0, of_busy=0.7, of_in_flight=12.0
    )
    found = readings(scaled(Source.REQUESTS, Source.CPU, Source.IN_FLIGHT), 100, history)
    assert {name: each.value for name, each in found.items()} == {
        "requests": 30.0,
        "cpu": pytest.approx(0.7),
        "in-flight": 12.0,
    }
    assert {each.at for each in found.values()} == {100.0}


def test_what_a_trace_does_not_hold() -> None:
    check(scaled(Source.REQUESTS, Source.CPU))
    with pytest.raises(BadInput, match="'memory' is of memory"):
        check(scaled(Source.CPU, Source.MEMORY))
