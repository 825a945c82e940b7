"""Who leads: one record that contenders take from one another. Pure.

The holder renews the record (`beat` grows) well before `duration` seconds are over. Another one
takes it over when it has seen the same record for `duration` seconds on its own clock; it never
compares clocks with anybody (as the lock client of DynamoDB does). Each taking over raises `epoch`,
so no two holders ever have the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DURATION = 10.0
"""Seconds that a lease lasts without being renewed."""
MARGIN = 1.0
"""So much sooner does its holder believe that it is over."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The record. `holder` is empty when it was given back."""

    holder: str = ""
    epoch: int = 0
    beat: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What a contender has seen last, and since when (monotonic seconds)."""

    lease: Lease
    since: float

    def see(self, lease: Lease, now: float) -> Watch:
        return self if lease == self.lease else Watch(lease, now)


def to_take(watch: Watch, me: str, now: float, duration: float = DURATION) -> Lease | None:
    """The record to put in the place of the seen one; None while somebody else holds it."""
    lease = watch.lease
    if lease.holder and lease.holder != me and now - watch.since < duration:
        return None
    return Lease(me, lease.epoch + 1, 0)


def renewed(lease: Lease) -> Lease:
    return replace(lease, beat=lease.beat + 1)


def given_back(lease: Lease) -> Lease:
    return Lease("", lease.epoch, lease.beat + 1)


def ends(began: float, duration: float = DURATION) -> float:
    """Until when its holder may act on a lease whose renewal began then (monotonic seconds)."""
    return began + duration - MARGIN
