"""The autoscaler's decision: one look at a service, one verdict with its reasons.

Pure but for its own memory. Whoever calls it asks for the verdict's count; a count that somebody
else has set is simply the `wanted` of the next sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fairlead.core.scaling.idle import Idle, recalled
from fairlead.core.scaling.objective import NAME, ByObjective
from fairlead.core.scaling.pacing import Pacing
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.rest import noticed, rest
from fairlead.core.scaling.schedules import bounds_at, may_sleep
from fairlead.core.scaling.targets import opinion
from fairlead.core.scaling.verdict import Load, Opinion, Sight, Verdict

STALE = 15.0
"""Seconds after which the proxy's load is none."""
OLDEST = 900.0
"""Seconds after which a reading is none even where its meter's period is long."""
SETTLING = 60.0
"""Seconds of fresh metrics without a gap before anything is taken away."""


class Decider:
    """Implements the scaler's `Think` for one service."""

    def __init__(self) -> None:
        self._objective, self._pacing, self._idle = ByObjective(), Pacing(), Idle()
        self._fresh_since: float | None = None
        self._last: tuple[float, int] | None = None
        """When it looked last, and what was wanted then."""

    def recall(self, minutes: Iterable[tuple[int, int]]) -> None:
        """Learn days and idle times from what was counted before, as (epoch seconds, requests) a
        minute."""
        before = tuple(minutes)
        self._objective.recall(before)
        self._idle = recalled(before)

    def __call__(self, policy: Scale, sight: Sight) -> Verdict:
        """The count to ask for now, within the bounds of now."""
        self._follow(sight)
        opinions = tuple(self._opinions(policy, sight))
        winner = _winner(opinions)
        desired = sight.wanted if winner is None or winner.count is None else winner.count
        held: list[str] = []
        count = self._held_in(policy, sight, opinions, desired, held)
        bounds = bounds_at(policy, sight.now)
        count = _bounded(count, bounds, held)
        count = self._paced(policy, sight, count, held)
        count, missing = _placed(sight, count, held)
        name = winner.metric if winner else ""
        verdict = Verdict(count, desired, opinions, name, tuple(held), missing)
        if not may_sleep(policy):
            return verdict
        self._idle = noticed(self._idle, sight)
        if bounds[0]:
            return verdict
        return _beyond_room(sight, rest(policy, self._idle, sight, verdict))

    def _follow(self, sight: Sight) -> None:
        """Take note of a change that was made of the last verdict, or by somebody else, and of time
        that nobody watched."""
        if self._last is not None:
            at, wanted = self._last
            if not 0.0 <= sight.now - at <= STALE:
                self._fresh_since = None
            self._pacing.note(sight.now, sight.wanted - wanted)
        self._last = (sight.now, sight.wanted)

    def _opinions(self, policy: Scale, sight: Sight) -> Iterator[Opinion]:
        if policy.objective is not None:
            load = sight.load
            if load is None or not _is_fresh(load, sight.now):
                yield Opinion(NAME, None, 0.0, None, "requests are not known")
            else:
                yield self._objective.look(policy, policy.objective, load, sight)
        for target in policy.targets:
            yield opinion(target, sight, OLDEST)

    def _held_in(
        self,
        policy: Scale,
        sight: Sight,
        opinions: Sequence[Opinion],
        desired: int,
        held: list[str],
    ) -> int:
        """What was desired, but for what must not be taken away now."""
        blind = [o.metric for o in opinions if o.count is None]
        self._freshen(sight.now, known=not blind)
        steady = self._steady(policy, sight, desired, held)
        if steady >= sight.wanted:
            return steady
        why = self._why_not_in(policy, sight, blind)
        if why:
            held.append(why)
        return sight.wanted if why else steady

    def _steady(self, policy: Scale, sight: Sight, desired: int, held: list[str]) -> int:
        """The objective looks back by itself."""
        if not policy.targets:
            return desired
        out, inward = policy.out, policy.inward
        steady = self._pacing.steady(sight.now, sight.wanted, desired, out, inward)
        if steady != desired:
            held.append(f"stabilisation, {steady} was wanted of late")
        return steady

    def _freshen(self, now: float, *, known: bool) -> None:
        if not known:
            self._fresh_since = None
        elif self._fresh_since is None:
            self._fresh_since = now

    def _why_not_in(self, policy: Scale, sight: Sight, blind: Sequence[str]) -> str:
        if blind:
            return f"{' and '.join(blind)}: not known, so nothing is taken away"
        if sight.surge:
            return "a roll is under way"
        seen = sight.now - (sight.now if self._fresh_since is None else self._fresh_since)
        needed = max(SETTLING, policy.inward.stabilisation)
        return "" if seen >= needed else f"metrics of {seen:.0f} s, {needed:.0f} s are needed"

    def _paced(self, policy: Scale, sight: Sight, count: int, held: list[str]) -> int:
        if sight.wanted in (count, 0):
            return count
        pace = policy.out if count > sight.wanted else policy.inward
        allowed, why = self._pacing.within(sight.now, sight.wanted, count, pace)
        if why:
            held.append(why)
        return allowed


def _bounded(count: int, bounds: tuple[int, int, str], held: list[str]) -> int:
    least, most, schedule = bounds
    by = f" by schedule {schedule}" if schedule else ""
    if count > most:
        held.append(f"max {most}{by}")
    elif count < least:
        held.append(f"min {least}{by}")
    return min(most, max(least, count))


def _is_fresh(load: Load, now: float) -> bool:
    return 0.0 <= now - load.at <= STALE and load.span > 0.0


def _winner(opinions: tuple[Opinion, ...]) -> Opinion | None:
    """The one that asks for most."""
    known = [o for o in opinions if o.count is not None]
    return max(known, key=lambda o: o.count or 0, default=None)


def _placed(sight: Sight, count: int, held: list[str]) -> tuple[int, int]:
    """Nothing is taken away because it could not be placed again."""
    if sight.placeable is None or count <= max(sight.placeable, sight.wanted):
        return count, 0
    fits = max(sight.placeable, sight.wanted)
    held.append(f"{fits} can be placed")
    return fits, count - fits


def _beyond_room(sight: Sight, verdict: Verdict) -> Verdict:
    """Where a request waits an endpoint is asked for though no room is seen: that is told."""
    _, missing = _placed(sight, verdict.count, [])
    return replace(verdict, missing=max(verdict.missing, missing))
