"""Kubernetes' HorizontalPodAutoscaler v2 with its default behaviour, and KEDA on top of it.

The rules are those of kubernetes/website, horizontal-pod-autoscale.md, and of
kubernetes/kubernetes, pkg/controller/podautoscaler/replica_calculator.go and horizontal.go; those
of KEDA are of its concepts/scaling-deployments.md.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from fairlead.core.backtest.model import History
from fairlead.core.rounding import ROUNDING, whole
from fairlead.core.scaling.sliding import Highest

SYNC = 15
"""Seconds between two looks."""
TOLERANCE = 0.1 + ROUNDING
STABILISATION = 300
"""Seconds whose highest recommendation holds on the way in."""
MOST, PERCENT, PERIOD = 4, 1.0, 15
"""Out: at most so many pods or so large a share of them, whichever is more, in so many seconds."""
METRIC_SPAN, METRIC_AGE = 15, 15
"""metrics-server works CPU out of two readings 15 s apart: seconds in a value, and its age."""
KEDA_POLL, KEDA_COOLDOWN = 30, 300
KEDA_SPAN, KEDA_AGE = 60, 15
"""KEDA asks Prometheus for a rate over a minute, of what was scraped up to 15 s ago."""


def replicas(wanted: int, settled: int, ratio: float) -> int:
    """What the controller recommends: `ratio` is metric by target over the `settled` pods, whose
    metric counts; the other `wanted - settled` ones count with 0 where that means fewer."""
    if ratio > 1.0 and settled < wanted:
        again = ratio * settled / wanted
        if again <= 1.0 + TOLERANCE:
            return wanted
        return whole(again * wanted)
    if abs(ratio - 1.0) <= TOLERANCE:
        return wanted
    return whole(ratio * settled)


@dataclass(slots=True)
class Behaviour:
    """The default behaviour: at once but bounded on the way out, with the highest recommendation of
    the last five minutes on the way in."""

    recommended: Highest = field(default_factory=lambda: Highest(STABILISATION - 1))
    """Times are whole seconds: one that is STABILISATION old has no say any more."""
    raised: deque[tuple[int, int]] = field(default_factory=deque)

    def bounded(self, now: int, wanted: int, asked: int) -> int:
        highest = int(self.recommended.add(now, asked))
        if asked < wanted:
            return min(wanted, highest)
        allowed = min(highest, self._limit(now, wanted))
        if allowed > wanted:
            self.raised.append((now, allowed - wanted))
        return max(wanted, allowed)

    def _limit(self, now: int, wanted: int) -> int:
        """From what was there at the period's beginning."""
        while self.raised and self.raised[0][0] <= now - PERIOD:
            self.raised.popleft()
        before = wanted - sum(added for _, added in self.raised)
        return max(before + MOST, whole(before * (1.0 + PERCENT)))


@dataclass(slots=True)
class HpaCpu:
    """On CPU. A pod counts once its value covers only time in which it was ready."""

    target: float = 0.6
    """Share of a pod's CPU."""
    name: str = "hpa"
    interval: int = SYNC
    behaviour: Behaviour = field(default_factory=Behaviour)
    seen: deque[tuple[int, int]] = field(default_factory=deque)
    """Ready pods at the looks that the value's seconds cover."""

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:
        settled = self._settled(now, ready)
        if settled == 0 or now < METRIC_AGE + 1:
            return max(1, wanted)
        ratio = history.busy(METRIC_SPAN, now - METRIC_AGE) / self.target
        asked = max(1, replicas(wanted, min(settled, wanted), ratio))
        return self.behaviour.bounded(now, wanted, asked)

    def _settled(self, now: int, ready: int) -> int:
        self.seen.append((now, ready))
        while self.seen[0][0] < now - METRIC_SPAN - METRIC_AGE:
            self.seen.popleft()
        return min(count for _, count in self.seen)


@dataclass(slots=True)
class Keda:
    """On requests a second for each pod: an external metric of the kind AverageValue, polled."""

    target: float
    """Requests a second of one pod."""
    name: str = "keda"
    interval: int = KEDA_POLL
    behaviour: Behaviour = field(default_factory=Behaviour)

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:  # noqa: ARG002
        if now < KEDA_AGE + 1:
            return wanted
        if wanted == 0:
            return 1 if history.arrivals(KEDA_POLL, now) > 0 else 0
        if now >= KEDA_COOLDOWN and history.arrivals(KEDA_COOLDOWN, now) == 0:
            return 0
        rate = history.arrivals(KEDA_SPAN, now - KEDA_AGE)
        near = abs(rate / (self.target * wanted) - 1.0) <= TOLERANCE
        asked = wanted if near else max(1, whole(rate / self.target))
        return self.behaviour.bounded(now, wanted, asked)
