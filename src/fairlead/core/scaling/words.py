"""A policy as people read it, and as they wrote it."""

from __future__ import annotations

from fairlead.core.scaling.policy import Objective, Scale, Source, Target

_SHARES = {Source.CPU, Source.MEMORY, Source.ERRORS}


def objective(of: Objective) -> str:
    """`p95 <= 250ms`."""
    return bound(1 - of.budget, of.latency)


def bound(percentile: float, latency: float) -> str:
    """`percentile` from 0 to 1, `latency` in seconds."""
    time = f"{latency * 1000:g}ms" if latency < 1 else f"{latency:g}s"
    return f"p{100 * percentile:.4g} <= {time}"


def target(of: Target) -> str:
    """`cpu 60%`, `queue 100`."""
    if of.metric.source is Source.LATENCY:
        return f"{of.name} {bound(of.metric.percentile, of.value)}"
    share = of.metric.source in _SHARES
    return f"{of.name} {of.value * 100:g}%" if share else f"{of.name} {of.value:g}"


def summary(of: Scale) -> str:
    """`1 to 4 by p95 <= 250ms, cpu 60%`, with what else sets the count."""
    ruling = [objective(of.objective)] if of.objective else []
    ruling += [target(each) for each in of.targets]
    more = f", {len(of.schedules)} on schedule" if of.schedules else ""
    return f"{of.min} to {of.max} by {', '.join(ruling)}{more}"
