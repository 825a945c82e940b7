"""CPU and memory of endpoints, as shares of what each may use.

CPU is measured over the seconds between two samples: 1 is all that the endpoint's limit allows, or
one core where it has no limit, so that the share does not depend on the machine or on neighbours,
and may be above 1. Memory: 1 is its limit, else the machine's memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from fairlead.core.errors import MeterError, PlatformError
from fairlead.core.model import Endpoint
from fairlead.core.scaling.policy import Metric, Source
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.values import checked
from fairlead.ports import Clock, Gauged, Used

OVER = 4.0
"""Seconds of CPU are measured over so long at least, where samples are that old."""
OLD = 60.0
"""Seconds after which a sample is forgotten."""
FRESH = 0.5
"""Seconds for which a sample serves all who ask."""
_MOST = 64


@dataclass(frozen=True, slots=True)
class Use:
    """What one endpoint uses. `cpu` is a share, None after a first sample; `seconds` of CPU since
    its start; `memory` in bytes, `share` of what it may have, None where that is not known."""

    at: float
    cpu: float | None
    seconds: float
    cores: float
    memory: int
    share: float | None


class Usage:
    """Samples that whoever asks shares: the scaler, and `fairlead status`."""

    def __init__(self, gauged: Gauged, clock: Clock) -> None:
        self._gauged, self._clock = gauged, clock
        self._samples: dict[str, list[Used]] = {}
        self._turn = asyncio.Lock()

    async def of(self, endpoints: Collection[Endpoint]) -> dict[str, Use]:
        """By endpoint id, of those that can be measured. PlatformError."""
        async with self._turn:
            now = self._clock.now()
            due = [e for e in endpoints if not self._is_fresh(e.id, now)]
            for key, used in (await self._gauged.used(due)).items() if due else ():
                self._keep(key, used)
            self._forget(now)
            fresh = [e.id for e in endpoints if self._is_fresh(e.id, now)]
            return {key: _use(self._samples[key]) for key in fresh}

    def _is_fresh(self, key: str, now: float) -> bool:
        return key in self._samples and now - self._samples[key][-1].at < FRESH

    def _keep(self, key: str, used: Used) -> None:
        """The last ones; what fell began anew, and is compared with nothing from before."""
        kept = self._samples.get(key, [])
        if kept and used.cpu < kept[-1].cpu:
            kept = []
        recent = [each for each in kept if used.at - each.at <= OLD]
        self._samples[key] = [*recent, used][-_MOST:]

    def _forget(self, now: float) -> None:
        for key in [key for key, kept in self._samples.items() if now - kept[-1].at > OLD]:
            del self._samples[key]


def _use(samples: list[Used]) -> Use:
    last = samples[-1]
    share = last.memory / last.memory_limit if last.memory_limit > 0 else None
    return Use(last.at, _cpu(samples), last.cpu, last.cores, last.memory, share)


def _cpu(samples: list[Used]) -> float | None:
    """Since the newest sample that is old enough, else since the oldest."""
    last, before = samples[-1], samples[:-1]
    if not before:
        return None
    since = next((s for s in reversed(before) if last.at - s.at >= OVER), before[0])
    span = last.at - since.at
    return (last.cpu - since.cpu) / span / (last.cores or 1.0) if span >= FRESH else None


class UsageMeter:
    """Implements ports.Meter: the mean over a service's ready endpoints, which `endpoints` gives.

    One that starts is busy with that, and one that drains has less and less to do.
    """

    def __init__(
        self, usage: Usage, endpoints: Callable[[str], Collection[Endpoint]], clock: Clock
    ) -> None:
        self._usage, self._endpoints, self._clock = usage, endpoints, clock

    def period(self, metric: Metric) -> float:  # noqa: ARG002
        """What it is at this moment."""
        return 0.0

    async def read(self, service: str, metric: Metric) -> Reading:
        ready = self._endpoints(service)
        if not ready:
            raise MeterError("no endpoint is ready")
        try:
            uses = (await self._usage.of(ready)).values()
        except PlatformError as error:
            raise MeterError(str(error)) from error
        shares = _known(metric.source, uses)
        oldest = min(use.at for use in uses)
        at = self._clock.wall() - (self._clock.now() - oldest)
        return Reading(checked(sum(shares) / len(shares), metric.source), at)


def _known(source: Source, uses: Collection[Use]) -> list[float]:
    if not uses:
        raise MeterError("none of the ready endpoints can be measured")
    found = [use.cpu if source is Source.CPU else use.share for use in uses]
    if shares := [share for share in found if share is not None]:
        return shares
    if source is Source.CPU:
        raise MeterError("its endpoints have been measured once: CPU needs two samples")
    raise MeterError("what memory its endpoints may use is not known")
