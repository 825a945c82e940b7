"""The daemon's scaler: made from what is wired, and told of in documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fairlead.api.scaling_document import (
    ChangeDoc,
    LoadDoc,
    OpinionDoc,
    ReadingDoc,
    ScaledDoc,
    ScalingDoc,
)
from fairlead.commands import Commands
from fairlead.core.scaling.decide import Decider
from fairlead.core.scaling.schedules import bounds_at
from fairlead.core.scaling.verdict import Load, Reading, Verdict
from fairlead.scaling.history import DAY, History
from fairlead.scaling.mind import Mind
from fairlead.scaling.scaler import Means, Scaler
from fairlead.scaling.words import reason
from fairlead.tracking import Tracked
from fairlead.wiring import Wired, open_meters

DAYS = 7
"""Of history that a daemon begins with: of what was before, nothing would be left."""


@asynccontextmanager
async def scaler_of(wired: Wired, state: Path) -> AsyncIterator[Scaler]:
    """A scaler with its meters, for as long as the context lasts."""
    board = open_meters(wired)
    history = History(state / "history")

    def begin(service: str) -> Decider:
        decider = Decider()
        decider.recall(history.recent(service, DAYS * DAY))
        return decider

    means = Means(board, begin, history, wired.running.room)
    scaler = Scaler(wired.loop, Commands(wired.loop), means)
    try:
        yield scaler
    finally:
        await board.close()


def in_short(tracked: Tracked, mind: Mind | None, now: float) -> ScaledDoc | None:
    """For the status document; None where nothing scales the service. `now` in epoch seconds."""
    scale = tracked.service.scale
    if scale is None or tracked.service.fixed:
        return None
    least, most, _ = bounds_at(scale, now)
    verdict = mind.verdict if mind else None
    return {
        "min": least,
        "max": most,
        "wanted": verdict.desired if verdict else None,
        "missing": verdict.missing if verdict else 0,
        "paused": tracked.paused,
        "why": _why(mind),
    }


def in_full(tracked: Tracked, mind: Mind, now: float) -> ScalingDoc:
    """`now` in epoch seconds."""
    seen, verdict, sight = tracked.seen(), mind.verdict, mind.sight
    least, most, schedule = bounds_at(mind.policy, now)
    document: ScalingDoc = {
        "service": tracked.service.name,
        "trial": tracked.service.scale is None,
        "min": least,
        "max": most,
        "schedule": schedule,
        "replicas": tracked.service.replicas,
        "ready": sum(s.ready for s in seen),
        "starting": sight.starting if sight else 0,
        "desired": verdict.desired if verdict else None,
        "count": verdict.count if verdict else None,
        "why": _why(mind),
        "block": mind.block,
        "paused": tracked.paused,
        "held": list(verdict.held) if verdict else [],
        "opinions": _opinions(verdict) if verdict else [],
        "readings": {n: _reading(r, now) for n, r in sight.readings.items()} if sight else {},
        "gaps": dict(mind.gaps),
        "placeable": sight.placeable if sight else None,
        "limit": mind.limit,
        "missing": verdict.missing if verdict else 0,
        "start_time": sight.start_time if sight else 0.0,
        "changes": [_change(mind, n) for n in range(len(mind.changes))],
    }
    if sight and sight.load:
        document["load"] = _load(sight.load, now)
    return document


def _why(mind: Mind | None) -> str:
    if mind is None:
        return "it has not been looked at yet"
    return reason(mind.verdict) if mind.verdict else mind.block


def _opinions(verdict: Verdict) -> list[OpinionDoc]:
    return [
        {"metric": o.metric, "value": o.value, "target": o.target, "count": o.count, "why": o.why}
        for o in verdict.opinions
    ]


def _reading(reading: Reading, now: float) -> ReadingDoc:
    return {"value": reading.value, "age": round(now - reading.at, 1)}


def _load(load: Load, now: float) -> LoadDoc:
    span = load.span or 1.0
    return {
        "rate": round(load.arrivals / span, 3),
        "in_flight": load.in_flight,
        "held": load.held,
        "slow": round(load.slow / span, 3),
        "failed": round(load.failed / span, 3),
        "age": round(now - load.at, 1),
    }


def _change(mind: Mind, number: int) -> ChangeDoc:
    of = mind.changes[number]
    return {
        "at": of.at, "before": of.before, "after": of.after, "why": of.why, "done": of.done,
    }  # fmt: skip
