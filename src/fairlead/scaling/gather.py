"""What the scaler is told of a service, from what the loop keeps and the meters have read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple, replace
from statistics import median_high
from typing import Protocol

from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Sight
from fairlead.meters.board import Look
from fairlead.meters.values import MOST
from fairlead.tracking import Tracked


class Board(Protocol):
    """The meters of all services; see meters.board."""

    async def look(self, service: str, scale: Scale) -> Look: ...

    def forget(self, service: str) -> None: ...


def believed(look: Look) -> Look:
    """Without the values that no arithmetic survives."""
    if look.load is not None and (why := _broken(astuple(look.load))):
        look = replace(look, load=None, blind=why)
    broken = {n: why for n, r in look.readings.items() if (why := _broken((r.value, r.at)))}
    if not broken:
        return look
    fresh = {name: r for name, r in look.readings.items() if name not in broken}
    return replace(look, readings=fresh, missing={**look.missing, **broken})


def _broken(values: Iterable[float]) -> str:
    bad = next((v for v in values if not math.isfinite(v) or abs(v) > MOST), None)
    return "" if bad is None else f"{bad:g} is no number to scale by"


def sight(tracked: Tracked, look: Look, placeable: int | None, now: float) -> Sight:
    """`now` in epoch seconds. What a roll runs beyond the count is told apart from it."""
    seen = tracked.seen()
    wanted = tracked.service.replicas
    alive, ready = sum(s.alive for s in seen), sum(s.ready for s in seen)
    return Sight(
        now,
        wanted,
        ready,
        starting=max(0, min(alive, wanted) - ready),
        surge=max(0, alive - wanted),
        load=look.load,
        readings=look.readings,
        placeable=placeable,
        start_time=median_high(tracked.start_times) if tracked.start_times else 0.0,
    )


def unready(tracked: Tracked) -> str:
    """Why nothing may be concluded of the service now, or nothing."""
    if not tracked.read or tracked.belief.doubted:
        return "its platform has not been read whole"
    if tracked.service.orchestrated and not tracked.met:
        return "its platform keeps no count, or has not said it yet"
    if tracked.intent.backoff.given_up:
        return f"its starts are given up: {tracked.intent.backoff.given_up}"
    return ""
