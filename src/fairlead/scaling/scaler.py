"""The autoscaler's loop: looks at each service every few seconds, decides, acts, and tells why.

It stands beside the reconciler: it only says what is wanted (commands.autoscale), and the loop
brings that about. A service without `scale` is looked at for its history, and for a trial.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from fairlead.commands import MOST_REPLICAS, Commands
from fairlead.core.errors import UnknownName
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Verdict
from fairlead.faults import told
from fairlead.meters.board import Look
from fairlead.ports import Room
from fairlead.reconcile import Reconciler
from fairlead.scaling.gather import Board, believed, sight, unready
from fairlead.scaling.history import History
from fairlead.scaling.mind import Change, Mind, Think
from fairlead.scaling.steady import Steady
from fairlead.scaling.words import reason, refusal
from fairlead.tracking import Tracked

TICK = 5.0
SELDOM = 30.0
"""Seconds between two looks at a service that nothing scales."""
TRIED = 15.0
"""Seconds that a trial lasts after it was last asked for."""
GAP = 30.0
"""Seconds that a metric may be unknown before that is told."""
_EARLY = 0.5
"""Seconds: a tick that comes a little early is one all the same."""

Begin = Callable[[str], Think]
"""A policy that remembers nothing of the service yet."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the scaler decides from: meters, room, policy, and where history is kept."""

    board: Board
    begin: Begin
    history: History
    room: Room | None = None


class Scaler:
    def __init__(self, loop: Reconciler, commands: Commands, means: Means) -> None:
        self._loop, self._commands, self._means = loop, commands, means
        self._clock, self._journal = loop.edges.clock, loop.edges.journal
        self._steady = Steady(self._clock)
        self._minds: dict[str, Mind] = {}
        self._trials: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._woken: set[str] = set()
        self._wake = asyncio.Event()

    def wake(self, service: str) -> None:
        """Look at it at once: something has happened that cannot wait for the next tick."""
        self._woken.add(service)
        self._wake.set()

    def mind(self, service: str, *, trial: bool = False) -> Mind | None:
        """What is thought of the service; None while it has not been looked at. With `trial` a
        service that nothing scales is looked at for a while, by the default policy. UnknownName."""
        if service not in self._loop.tracked:
            known = ", ".join(self._loop.tracked) or "none"
            raise UnknownName(f"no service {service!r} (there are: {known})")
        if trial:
            if not self._tried(service):
                self.wake(service)
            self._trials[service] = self._clock.now() + TRIED
        return self._minds.get(service)

    async def run(self) -> None:
        while True:
            await self.turn()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._wake.wait()

    async def turn(self) -> None:
        """A look at each service that is due, or was woken; a fault in one spares the others."""
        self._wake.clear()
        woken, self._woken = self._woken, set()
        self._forget()
        jump = self._steady.jumped()
        if jump:
            self._tell_jump(jump)
        due = [name for name in self._loop.tracked if name in woken or self._due(name)]
        await asyncio.gather(*(self._attempt(name) for name in due))

    def _due(self, name: str) -> bool:
        pause = TICK if self._policy(name) else SELDOM
        since = self._clock.now() - self._looked.get(name, -SELDOM)
        return since >= pause - _EARLY

    def _policy(self, name: str) -> Scale | None:
        service = self._loop.tracked[name].service
        if service.fixed:
            return None
        return Scale() if service.scale is None and self._tried(name) else service.scale

    def _tried(self, name: str) -> bool:
        return self._trials.get(name, 0.0) > self._clock.now()

    def _tell_jump(self, jump: float) -> None:
        """Nothing that was measured up to now has a time that can be trusted: begin anew."""
        way = "forward" if jump > 0 else "back"
        begun = "the scaler begins anew, and holds all counts until it has seen enough"
        self._journal.record("clock", "", f"the clock was set {way} by {abs(jump):.0f} s: {begun}")
        for name, mind in self._minds.items():
            mind.think = self._means.begin(name)

    async def _attempt(self, name: str) -> None:
        tracked = self._loop.tracked[name]
        self._looked[name] = self._clock.now()
        policy = self._policy(name)
        try:
            look = believed(await self._means.board.look(name, policy or Scale()))
            if look.load is not None:
                rate = look.load.arrivals / look.load.span if look.load.span else 0.0
                self._means.history.add(name, self._clock.wall(), rate)
            if policy is not None and not tracked.removed:
                await self._decide(tracked, policy, look)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one service spares the rest
            self._failed(name, told(error))

    def _failed(self, name: str, fault: str) -> None:
        mind = self._mind(name)
        mind.verdict, mind.block = None, fault
        if mind.news.is_new(fault, self._clock.now()):
            self._journal.record("problem", name, f"{fault}; its count stays as it is")

    def _mind(self, name: str) -> Mind:
        if name not in self._minds:
            self._minds[name] = Mind(self._means.begin(name))
        return self._minds[name]

    async def _decide(self, tracked: Tracked, policy: Scale, look: Look) -> None:
        mind = self._mind(tracked.service.name)
        mind.policy, mind.verdict = policy, None
        self._note_gaps(tracked, mind, look)
        mind.block = unready(tracked)
        if mind.block:
            self._tell_held(tracked, mind, mind.block)
            return
        placeable, mind.limit = await self._placeable(tracked)
        mind.sight = sight(tracked, look, placeable, self._clock.wall())
        verdict = mind.think(policy, mind.sight)
        if not 0 <= verdict.count <= MOST_REPLICAS:
            raise ValueError(f"a verdict of {verdict.count} endpoints")
        mind.verdict = verdict
        self._act(tracked, mind, verdict)

    def _note_gaps(self, tracked: Tracked, mind: Mind, look: Look) -> None:
        """Those that stay are told: that of a daemon's first look is none to speak of."""
        now = self._clock.now()
        mind.gaps = {**look.missing, **({"requests": look.blind} if look.blind else {})}
        mind.gap_since = None if not mind.gaps else (mind.gap_since or now)
        if mind.gap_since is not None and now - mind.gap_since >= GAP:
            for metric, why in mind.gaps.items():
                told = f"nothing is taken away while {metric} is not known: {why}"
                self._tell_held(tracked, mind, told)

    async def _placeable(self, tracked: Tracked) -> tuple[int | None, str]:
        if self._means.room is None:
            return None, ""
        return await self._means.room.most(tracked.service)

    def _act(self, tracked: Tracked, mind: Mind, verdict: Verdict) -> None:
        name, before = tracked.service.name, tracked.service.replicas
        if tracked.service.scale is None:
            mind.block = "it has no scale section: this is a trial"
        elif tracked.paused:
            mind.block = f"paused: {tracked.paused}"
        why = reason(verdict)
        if verdict.count != before:
            change = Change(self._clock.wall(), before, verdict.count, why, done=not mind.block)
            mind.note(change)
        if mind.block:
            return
        self._commands.autoscale(name, verdict.count, why)
        if held := refusal(verdict, before):
            self._tell_held(tracked, mind, held)
        if verdict.missing:
            self._tell_missing(tracked, mind, verdict)

    def _tell_held(self, tracked: Tracked, mind: Mind, why: str) -> None:
        if tracked.service.scale is not None and mind.news.is_new(why, self._clock.now()):
            self._journal.record("scale-held", tracked.service.name, why)

    def _tell_missing(self, tracked: Tracked, mind: Mind, verdict: Verdict) -> None:
        place = f": {mind.limit}" if mind.limit else ""
        why = f"{verdict.missing} more are wanted than can be placed{place}"
        if mind.news.is_new(why, self._clock.now()):
            self._journal.record("unplaceable", tracked.service.name, why)

    def _forget(self) -> None:
        """Services that have gone, and trials that nobody looks at any more."""
        known = self._loop.tracked.keys()
        scaled = {name for name in known if self._policy(name) is not None}
        for name in self._looked.keys() - known:
            self._means.board.forget(name)
        self._looked = {name: at for name, at in self._looked.items() if name in known}
        self._minds = {name: mind for name, mind in self._minds.items() if name in scaled}
        self._trials = {name: at for name, at in self._trials.items() if self._tried(name)}
        self._means.history.forget(set(known))
