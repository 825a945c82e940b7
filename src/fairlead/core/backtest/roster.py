"""The policies of a backtest, by name, as they are set up for a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from fairlead.core.backtest.aws import FAST, TargetTracking, Tracked
from fairlead.core.backtest.hpa import HpaCpu, Keda
from fairlead.core.backtest.kpa import Kpa, Watched
from fairlead.core.backtest.model import WORKERS, Autoscaler, History, Scenario

SET_POINT = 0.6
"""Share of an endpoint's capacity at which the others are to keep it."""
SLOW_COOLDOWN, COOLDOWN = 300, 60
Maker = Callable[[Scenario, float], Autoscaler]
"""Of a scenario and a set-point."""


@dataclass(slots=True)
class Static:
    """No scaling: what the trace's peak takes, always."""

    count: int
    name: str = "static"
    interval: int = 3600

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:  # noqa: ARG002
        return self.count


def _static(scenario: Scenario, set_point: float) -> Autoscaler:
    return Static(ceil(max(scenario.rates) / (set_point * scenario.capacity)))


def _tracking(name: str, tracked: Tracked, cooldown: int, interval: int) -> Maker:
    def make(scenario: Scenario, set_point: float) -> Autoscaler:
        target = set_point * (scenario.capacity if tracked is Tracked.REQUESTS else 1.0)
        return TargetTracking(name, tracked, target, cooldown, interval)

    return make


OTHERS: Mapping[str, Maker] = {
    "hpa": lambda _, point: HpaCpu(point),
    "keda": lambda scenario, point: Keda(point * scenario.capacity),
    "kpa": lambda _, point: Kpa(Watched.CONCURRENCY, point * WORKERS),
    "kpa-requests": lambda scenario, point: Kpa(Watched.REQUESTS, point * scenario.capacity),
    "aws": _tracking("aws", Tracked.CPU, SLOW_COOLDOWN, 60),
    "aws-requests": _tracking("aws-requests", Tracked.REQUESTS, COOLDOWN, 60),
    "aws-20s": _tracking("aws-20s", Tracked.CPU, SLOW_COOLDOWN, FAST),
    "static": _static,
}
EXPLAINED: Mapping[str, str] = {
    "fairlead": "fairlead, as the settings have it",
    "hpa": "Kubernetes HPA on CPU",
    "keda": "KEDA, that is HPA on requests",
    "kpa": "Knative on concurrency",
    "kpa-requests": "Knative on requests",
    "aws": "AWS target tracking on CPU, cooldown 300 s",
    "aws-requests": "AWS target tracking on requests, cooldown 60 s",
    "aws-20s": "AWS target tracking on CPU of 20 s",
    "static": "no scaling: what the peak takes, always",
    "clairvoyant": "sees the load before it comes; its hours are 1",
}
