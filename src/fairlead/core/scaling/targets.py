"""How many endpoints bring a metric to its target: the proportion rule that HPA uses, too."""

from __future__ import annotations

from math import isfinite

from fairlead.core.rounding import ROUNDING, whole
from fairlead.core.scaling.policy import Share, Target
from fairlead.core.scaling.verdict import Opinion, Sight

TOLERANCE = 0.1
"""A metric so near its target (a share of it) asks for no change."""


def opinion(target: Target, sight: Sight, gone: float) -> Opinion:
    """`gone`: seconds after which a reading is none, whatever the meter thinks of it."""
    reading = sight.readings.get(target.name)
    if reading is None or not isfinite(reading.value) or reading.value < 0.0:
        return Opinion(target.name, None, target.value, None, "not known")
    if sight.now - reading.at > gone:
        age = sight.now - reading.at
        return Opinion(target.name, None, target.value, None, f"not known for {age:.0f} s")
    if target.share is Share.ENDPOINT:
        return _of_sum(target, reading.value, sight)
    return _of_mean(target, reading.value, sight)


def _of_sum(target: Target, value: float, sight: Sight) -> Opinion:
    """The metric is the service's; the target an endpoint's."""
    if sight.wanted and abs(value / (target.value * sight.wanted) - 1.0) <= TOLERANCE + ROUNDING:
        return _near(target, value, sight.wanted)
    return Opinion(target.name, value, target.value, _count(value / target.value), "in all")


def _of_mean(target: Target, value: float, sight: Sight) -> Opinion:
    """Those that are not ready yet count as idle, so that they are waited for; what a roll runs
    beyond the count does not count."""
    ratio = value / target.value
    ready = min(sight.ready, sight.wanted)
    if ready == 0:
        return Opinion(target.name, value, target.value, None, "nothing is ready")
    if abs(ratio - 1.0) <= TOLERANCE + ROUNDING:
        return _near(target, value, sight.wanted)
    if ratio > 1.0 and ready < sight.wanted:
        diluted = ratio * ready / sight.wanted
        if diluted <= 1.0 + TOLERANCE:
            return Opinion(
                target.name, value, target.value, sight.wanted, "those that start will do"
            )
    return Opinion(target.name, value, target.value, _count(ratio * ready), "each")


def _near(target: Target, value: float, wanted: int) -> Opinion:
    return Opinion(target.name, value, target.value, wanted, f"within {TOLERANCE:.0%}")


def _count(of: float) -> int:
    return whole(min(of, 1e9))
