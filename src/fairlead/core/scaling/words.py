"""A policy as people read it, in the words of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fairlead.core.scaling.policy import Objective, Pace, Scale, Schedule, Source, Target
from fairlead.core.scaling.schedules import told

_SHARES = {Source.CPU, Source.MEMORY, Source.ERRORS}
_NONE = ("none", None)


def objective(of: Objective) -> str:
    """`p95 <= 250ms`."""
    return _bound(1 - of.budget, of.latency)


def summary(of: Scale) -> str:
    """`1 to 4 by p95 <= 250ms and cpu 60%`."""
    ruling = [objective(of.objective)] if of.objective else []
    ruling += [f"{each.name} {_target(each)}" for each in of.targets]
    schedules = f", {len(of.schedules)} by schedule" if of.schedules else ""
    return f"{of.min} to {of.max} by {' and '.join(ruling) or 'nothing'}{schedules}"


def changes(before: Scale, after: Scale) -> Iterator[str]:
    """What differs, a line each: `scale.max 4 -> 8`."""
    old, new = dict(_parts(before)), dict(_parts(after))
    for key in old | new:
        (was, one), (now, other) = old.get(key, _NONE), new.get(key, _NONE)
        if one != other:
            yield f"scale.{key} changed" if was == now else f"scale.{key} {was} -> {now}"


def _parts(of: Scale) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Each key of the settings, with its value in words and as it is."""
    yield "min", (str(of.min), of.min)
    yield "max", (str(of.max), of.max)
    yield "objective", (objective(of.objective) if of.objective else "none", of.objective)
    yield "capacity", (f"{of.capacity:g}" if of.capacity else "learned", of.capacity)
    for target in of.targets:
        yield f"targets.{target.name}", (_target(target), target)
    for way, pace in (("out", of.out), ("in", of.inward)):
        yield from _paced(way, pace)
    for index, schedule in enumerate(of.schedules):
        yield f"schedules[{index}]", (_schedule(schedule), schedule)
    yield "predictive", (str(of.predictive).lower(), of.predictive)
    yield "keep_alive", (f"{of.keep_alive:g}s" if of.keep_alive else "learned", of.keep_alive)


def _paced(way: str, pace: Pace) -> Iterator[tuple[str, tuple[str, Any]]]:
    yield f"{way}.most", (str(pace.most or "unbound"), pace.most)
    yield f"{way}.percent", (f"{pace.percent:g}%" if pace.percent else "unbound", pace.percent)
    for name in ("period", "cooldown", "stabilisation"):
        seconds = getattr(pace, name)
        yield f"{way}.{name}", (f"{seconds:g}s", seconds)


def _target(of: Target) -> str:
    if of.metric.source is Source.LATENCY:
        return _bound(of.metric.percentile, of.value)
    return f"{of.value * 100:g}%" if of.metric.source in _SHARES else f"{of.value:g}"


def _schedule(of: Schedule) -> str:
    bounds = (("min", of.min), ("max", of.max))
    given = [f"{name} {value}" for name, value in bounds if value is not None]
    return f"{told(of)}: {', '.join(given)} for {of.lasts:g}s"


def _bound(percentile: float, latency: float) -> str:
    time = f"{latency * 1000:g}ms" if latency < 1 else f"{latency:g}s"
    return f"p{100 * percentile:.4g} <= {time}"
