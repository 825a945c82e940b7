"""What a replay knows of the metrics that a policy's targets name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.core.backtest.model import History
from fairlead.core.errors import BadInput
from fairlead.core.scaling.policy import Scale, Source
from fairlead.core.scaling.verdict import Reading

SPAN = 15
"""Seconds that a reading covers."""

_KNOWN: Mapping[Source, Callable[[History, int], float]] = {
    Source.REQUESTS: lambda history, now: history.arrivals(SPAN, now),
    Source.IN_FLIGHT: lambda history, now: history.in_flight(SPAN, now),
    Source.CPU: lambda history, now: history.busy(SPAN, now),
}


def check(scale: Scale) -> None:
    """BadInput for a target that a trace cannot tell anything of."""
    for target in scale.targets:
        if target.metric.source not in _KNOWN:
            raise BadInput(
                f"target {target.name!r} is of {target.metric.source}, which a trace of requests"
                f" does not hold: only {', '.join(_KNOWN)} and the objective can be replayed"
            )


def readings(scale: Scale, now: int, history: History) -> dict[str, Reading]:
    """By the targets' names."""
    return {
        each.name: Reading(_KNOWN[each.metric.source](history, now), float(now))
        for each in scale.targets
    }
