"""What came of each policy over all scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from fairlead.core.backtest.model import Outcome


@dataclass(frozen=True, slots=True)
class Line:
    """A policy over all scenarios. `violations` is the mean of the scenarios and `worst` the worst
    scenario; `hours` is the mean of endpoint-hours by the clairvoyant's, None without it;
    `endpoint_hours` are the sum; the rest are means, but `worst_hour` the worst one."""

    violations: float
    worst: float
    worst_hour: float
    hours: float | None
    endpoint_hours: float
    changes_per_day: float
    dropped: float
    seconds_in_violation: int
    under_time: float
    under_depth: float
    over_time: float
    over_depth: float


def relative(outcome: Outcome, clairvoyant: Outcome | None) -> float | None:
    """Endpoint-hours by the clairvoyant's."""
    return outcome.hours / clairvoyant.hours if clairvoyant and clairvoyant.hours else None


def line(outcomes: Sequence[Outcome], clairvoyants: Sequence[Outcome | None]) -> Line:
    """Of one policy in each scenario, and of the clairvoyant in each."""
    ratios = [relative(*pair) for pair in zip(outcomes, clairvoyants, strict=True)]
    return Line(
        violations=fmean(each.violations for each in outcomes),
        worst=max(each.violations for each in outcomes),
        worst_hour=max(each.worst_hour for each in outcomes),
        hours=_mean(ratios),
        endpoint_hours=sum(each.hours for each in outcomes),
        changes_per_day=fmean(each.changes for each in outcomes),
        dropped=fmean(each.dropped for each in outcomes),
        seconds_in_violation=sum(each.seconds_in_violation for each in outcomes),
        under_time=fmean(each.under_time for each in outcomes),
        under_depth=fmean(each.under_depth for each in outcomes),
        over_time=fmean(each.over_time for each in outcomes),
        over_depth=fmean(each.over_depth for each in outcomes),
    )


def _mean(ratios: Iterable[float | None]) -> float | None:
    known = [each for each in ratios if each is not None]
    return fmean(known) if known else None
