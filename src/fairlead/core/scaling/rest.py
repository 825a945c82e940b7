"""To sleep or not: what stands over the count of a service whose least count is 0."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from fairlead.core.scaling.idle import Idle, Span, heard, is_warm, spans
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Sight, Verdict

START = 30.0
"""Seconds from launch to ready, of a service whose start has not been seen yet."""


def noticed(idle: Idle, sight: Sight) -> Idle:
    """What is known of its idle times after this look. Where nothing is known of its load now,
    nothing is learned: it may have been busy."""
    if sight.load is None:
        return idle
    return heard(idle, sight.now, busy=_busy(sight))


def rest(policy: Scale, idle: Idle, sight: Sight, verdict: Verdict) -> Verdict:
    """The verdict, or instead of it 0 or 1. `idle` has noticed this sight.

    A service of which nothing is known does not fall asleep, and one that is asleep is not woken by
    it: nginx says when a request waits. Only the last endpoint goes to sleep.
    """
    if sight.load is None or idle.since is None:
        return _kept(verdict, sight, "nothing is known of its load")
    if _busy(sight):
        return _at_least_one(verdict, "requests come")
    warm, idle_for = when_warm(policy, idle, sight.start_time), sight.now - idle.since
    if is_warm(warm, idle_for):
        if idle_for >= warm[0].end:
            return _at_least_one(verdict, "a request is expected")
        return _kept(verdict, sight, "its keep-alive")
    if verdict.count > 1:
        return verdict
    return _of(verdict, 0, f"no request for {_said(idle_for)}")


def when_warm(policy: Scale, idle: Idle, start_time: float) -> tuple[Span, ...]:
    """In seconds since the last request."""
    if policy.keep_alive > 0:
        return (Span(0.0, policy.keep_alive),)
    return _learned(idle.gaps, start_time or START)


@lru_cache(maxsize=256)
def _learned(gaps: tuple[float, ...], start_time: float) -> tuple[Span, ...]:
    """Idle times change seldom, and are asked about every few seconds."""
    return spans(gaps, start_time)


def _busy(sight: Sight) -> bool:
    load = sight.load
    return load is not None and (load.arrivals > 0 or load.in_flight > 0 or load.held > 0)


def _kept(verdict: Verdict, sight: Sight, why: str) -> Verdict:
    """As it is, awake or asleep."""
    return _at_least_one(verdict, why) if sight.wanted else _of(verdict, 0, "asleep")


def _at_least_one(verdict: Verdict, why: str) -> Verdict:
    return verdict if verdict.count else _of(verdict, 1, why)


def _of(verdict: Verdict, count: int, why: str) -> Verdict:
    return replace(verdict, count=count, desired=count, winner=why, held=(), missing=0)


def _said(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} m" if seconds < 7200 else f"{seconds / 3600:.1f} h"
