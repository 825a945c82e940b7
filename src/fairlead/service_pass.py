"""One pass over one service: observe -> plan -> guard -> publish -> carry out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fairlead.core.backoff import Backoff, after_exit
from fairlead.core.counted import plan_counted
from fairlead.core.errors import PlatformError, ProxyError
from fairlead.core.guard import believe, permit
from fairlead.core.health import Health
from fairlead.core.model import Endpoint, EntryState, Phase, ServiceTable, Sighting
from fairlead.core.plan import Abandon, Change, Forget, Resize, Start, Stop, Withdraw, plan
from fairlead.core.view import Drain
from fairlead.ports import (
    Checks,
    Clock,
    Decisions,
    Journal,
    Notify,
    Orchestrator,
    Platform,
    Proxy,
)
from fairlead.tracking import Tracked

NOTE = 60.0
"""Seconds between two tries to have the cluster remember a pause."""
CONTESTS, CONTEST = 3, 1800.0
"""A scaler's count is set back so often in so many seconds; then whoever sets it has his way."""
ADVICE = (
    "In Terraform: lifecycle { ignore_changes = [desired_count] }; of AWS's own scaling: aws "
    "application-autoscaling deregister-scalable-target"
)


@dataclass(frozen=True, slots=True)
class Edges:
    """All that the loop acts through. The first platform is the one that starts endpoints."""

    platforms: tuple[Platform, ...]
    proxy: Proxy
    checks: Checks
    decisions: Decisions
    journal: Journal
    clock: Clock
    orchestrator: Orchestrator | None = None


class ServicePass:
    """Knows which platform runs an endpoint and which service it belongs to, by endpoint id."""

    def __init__(self, edges: Edges, notify: Notify) -> None:
        self._edges, self._notify = edges, notify
        self._runner: dict[str, Platform] = {}
        self.service_of: dict[str, str] = {}

    async def __call__(self, tracked: Tracked) -> None:
        await self.observe(tracked)
        await self._measure(tracked)
        seen = tracked.seen()
        rules = plan_counted if tracked.service.orchestrated else plan
        changes = rules(tracked.intent, seen, self._edges.clock.now())
        changes = permit(changes, tracked.intent, seen)
        self._mark(tracked, changes)
        await self.publish(tracked)
        for change in changes:
            await self._carry_out(tracked, change)
        if tracked.unnoted:
            await self._note(tracked)
        self._note_good(tracked)

    async def observe(self, tracked: Tracked) -> None:
        """Read what is there, and nothing more."""
        sightings = [await self._sight(tracked, platform) for platform in self._edges.platforms]
        whole = Sighting(
            tuple(e for s in sightings for e in s.endpoints),
            all(s.complete for s in sightings),
            "; ".join(s.problem for s in sightings if s.problem),
        )
        known = tracked.belief.endpoints
        tracked.belief = believe(tracked.belief, whole)
        tracked.read |= whole.complete and not tracked.belief.doubted
        if tracked.service.orchestrated:
            kept = next((s for s in sightings if s.desired is not None), Sighting())
            if tracked.recall(kept.noted):
                self._tell(tracked, "scale-paused", f"as the cluster remembers: {tracked.paused}")
            foreign = tracked.follow(kept.desired, kept.departing)
            if foreign is not None:
                self._contest(tracked, foreign)
        for gone in known.keys() - tracked.belief.endpoints.keys():
            self._forget(tracked, gone)
        for endpoint in tracked.endpoints:
            self._meet(tracked, known, endpoint)

    def _contest(self, tracked: Tracked, foreign: int) -> None:
        """Somebody else has set the scaler's count: set it back, but give way to who insists."""
        now, name = self._edges.clock.now(), tracked.service.name
        recent = [at for at in tracked.contested if now - at < CONTEST]
        tracked.contested = (*recent, now)
        if len(tracked.contested) <= CONTESTS:
            back = f"set back to the scaler's {tracked.service.replicas}"
            self._tell(tracked, "count-foreign", f"to {foreign} by somebody else, {back}. {ADVICE}")
            return
        times = f"{len(tracked.contested)} times in {CONTEST / 60:.0f} min"
        tracked.paused = f"somebody else has set its count {times}, last to {foreign}"
        tracked.foreign, tracked.contested = None, ()
        tracked.take(foreign)
        again = f"then: fairlead scale {name} --resume"
        self._tell(tracked, "scale-paused", f"{tracked.paused}: it gives way. {ADVICE}; {again}")

    async def _sight(self, tracked: Tracked, platform: Platform) -> Sighting:
        sighting = await platform.observe([tracked.service])
        for endpoint in sighting.endpoints:
            self._runner[endpoint.id] = platform
        return sighting

    def _meet(self, tracked: Tracked, known: Mapping[str, Endpoint], endpoint: Endpoint) -> None:
        """Take note of an endpoint that is new, or that has ended since the last pass."""
        before = known.get(endpoint.id)
        if endpoint.id not in tracked.first_seen:
            self.service_of[endpoint.id] = tracked.service.name
            tracked.first_seen[endpoint.id] = self._edges.clock.now()
        if before is not None and _moved(before, endpoint):
            self._edges.checks.unwatch(endpoint.id)
            tracked.health.pop(endpoint.id, None)
        if endpoint.phase is Phase.RUNNING and (before is None or _moved(before, endpoint)):
            initial = tracked.health.get(endpoint.id, Health())
            self._edges.checks.watch(endpoint, tracked.service.health, initial)
        if _listed_again(tracked, before, endpoint):
            self._take_back(tracked, endpoint)
        if endpoint.phase is Phase.EXITED and (before is None or before.phase is not Phase.EXITED):
            self._note_exit(tracked, endpoint, before)

    def _take_back(self, tracked: Tracked, endpoint: Endpoint) -> None:
        """A fixed endpoint that was on its way out is listed again."""
        tracked.drains.pop(endpoint.id, None)
        tracked.leaves.pop(endpoint.id, None)
        health = tracked.health.get(endpoint.id, Health())
        self._edges.checks.watch(endpoint, tracked.service.health, health)
        self._tell(tracked, "listed", "it is listed again", endpoint.id)

    def _note_exit(self, tracked: Tracked, endpoint: Endpoint, before: Endpoint | None) -> None:
        """What ended while no fairlead ran is no try that failed: nobody knows when, or of what."""
        self._edges.checks.unwatch(endpoint.id)
        asked = before is not None and before.phase is Phase.STOPPING
        if asked or endpoint.id in tracked.drains:
            self._tell(tracked, "stopped", endpoint.exit or "ended", endpoint.id)
            return
        self._tell(tracked, "crash", endpoint.exit or "ended unasked", endpoint.id)
        if before is not None and not tracked.service.orchestrated:
            self._count_failure(tracked, endpoint, endpoint.exit)

    def _count_failure(self, tracked: Tracked, endpoint: Endpoint | None, why: str) -> None:
        """A start that failed, or an end that nobody asked for, moves the next start back."""
        now = self._edges.clock.now()
        started = tracked.first_seen.get(endpoint.id, now) if endpoint else now
        health = tracked.health.get(endpoint.id) if endpoint else None
        was_ready = health is not None and health.ever_up
        if endpoint and endpoint.revision != tracked.intent.spec.revision:
            return
        backoff = after_exit(tracked.intent.backoff, started, now, was_ready=was_ready, why=why)
        if backoff.given_up and not tracked.intent.backoff.given_up:
            self._tell(tracked, "given-up", backoff.given_up)
        tracked.intent = replace(tracked.intent, backoff=backoff)

    async def _measure(self, tracked: Tracked) -> None:
        """How many requests are in flight on draining endpoints; one never routed to has none."""
        if not tracked.draining:
            return
        proxy, name = self._edges.proxy, tracked.service.name
        routed = {entry.id for entry in tracked.pushed.entries} if tracked.pushed else set()
        tracked.in_flight = {}
        try:
            if await proxy.follows(name):
                tracked.in_flight = {key: 0 for key in tracked.drains if key not in routed}
            counters = await proxy.counters(name)
        except ProxyError:
            return
        tracked.in_flight.update((key, c.in_flight) for key, c in counters.items())

    def _mark(self, tracked: Tracked, changes: Iterable[Change]) -> None:
        """Write down what is decided, so that the table that is published next follows it."""
        now = self._edges.clock.now()
        for change in changes:
            if isinstance(change, Withdraw):
                drain = Drain(change.reason, now, shrink=change.shrink)
                tracked.drains[change.endpoint.id] = drain
                self._tell(tracked, "drain", change.reason, change.endpoint.id)
                if change.failed:
                    self._count_failure(tracked, change.endpoint, change.reason)
            elif isinstance(change, Abandon):
                tracked.intent = replace(tracked.intent, failed=change.revision, backoff=Backoff())
                self._tell(
                    tracked, "roll-failed", f"{change.reason}; the old endpoints go on serving"
                )
                self._notify(tracked.service.name)

    async def publish(self, tracked: Tracked) -> None:
        """Have the proxy serve what is known now."""
        wanted = tracked.table()
        if wanted != tracked.pushed:
            await self._edges.proxy.push(wanted)
            tracked.pushed = wanted
        now = self._edges.clock.now()
        for key, drain in tracked.drains.items():
            if drain.withdrawn is None and _withdrawn(wanted, key):
                tracked.drains[key] = replace(drain, withdrawn=now)

    async def _carry_out(self, tracked: Tracked, change: Change) -> None:
        match change:
            case Start():
                await self._start(tracked, change)
            case Stop():
                await self._stop(tracked, change)
            case Resize():
                await self._resize(tracked, change)
            case Withdraw(endpoint, reason):
                await self._remember(tracked, endpoint, reason)
            case Forget(endpoint):
                await self._runner[endpoint.id].forget(endpoint)
                self._forget(tracked, endpoint.id)

    async def _stop(self, tracked: Tracked, change: Stop) -> None:
        endpoint, timeout = change.endpoint, tracked.service.stop_timeout
        self._tell(tracked, "stop", change.reason, endpoint.id)
        self._edges.checks.unwatch(endpoint.id)
        platform, orchestrator = self._runner[endpoint.id], self._edges.orchestrator
        if change.shrink and orchestrator is not None:
            await orchestrator.retire(endpoint, timeout)
        else:
            await platform.stop(endpoint, timeout)
        self._notify(tracked.service.name)

    async def _resize(self, tracked: Tracked, change: Resize) -> None:
        orchestrator = self._edges.orchestrator
        if orchestrator is None:
            return
        before = tracked.intent.kept
        await orchestrator.resize(change.service, change.count)
        tracked.intent = replace(tracked.intent, kept=change.count)
        self._tell(tracked, "resize", f"from {before} to {change.count}: {change.reason}")
        self._notify(tracked.service.name)

    async def _remember(self, tracked: Tracked, endpoint: Endpoint, reason: str) -> None:
        """In the cluster itself, so that whoever decides next knows of the drain."""
        orchestrator = self._edges.orchestrator
        if orchestrator is None or not tracked.service.orchestrated:
            return
        try:
            await orchestrator.mark(endpoint, reason)
        except PlatformError as error:
            self._tell(tracked, "problem", f"the drain is not marked: {error}", endpoint.id)

    async def _note(self, tracked: Tracked) -> None:
        """In the cluster itself, so that whoever leads next pauses its scaler, too."""
        orchestrator, now = self._edges.orchestrator, self._edges.clock.now()
        if orchestrator is None or now < tracked.note_at:
            return
        tracked.note_at = now + NOTE
        try:
            await orchestrator.note(tracked.service, tracked.paused)
        except PlatformError as error:
            told = f"another controller would not know whether its scaler is paused: {error}"
            self._tell(tracked, "problem", told)

    async def _start(self, tracked: Tracked, change: Start) -> None:
        if self._edges.clock.now() < tracked.intent.backoff.not_before:
            return  # an earlier start of this pass failed: the others would too
        try:
            endpoint = await self._edges.platforms[0].start(change.service)
        except PlatformError as error:
            self._tell(tracked, "start-failed", str(error))
            self._count_failure(tracked, None, str(error))
            return
        self._tell(tracked, "start", f"{change.reason}, port {endpoint.port}", endpoint.id)
        self._runner[endpoint.id] = self._edges.platforms[0]
        known = tracked.belief.endpoints
        tracked.belief = replace(tracked.belief, endpoints={**known, endpoint.id: endpoint})
        self._meet(tracked, known, endpoint)

    def _forget(self, tracked: Tracked, endpoint_id: str) -> None:
        self._edges.checks.unwatch(endpoint_id)
        tracked.forget(endpoint_id)
        self._runner.pop(endpoint_id, None)
        self.service_of.pop(endpoint_id, None)

    def _note_good(self, tracked: Tracked) -> None:
        intent = tracked.intent
        known = intent.good and intent.good.revision == intent.service.revision
        if known or intent.service.fixed or intent.rolled_back:
            return
        alive = [s for s in tracked.seen() if s.alive]
        current = [s for s in alive if s.endpoint.revision == intent.service.revision]
        if 0 < len(alive) == len(current) == intent.service.replicas and all(
            s.ready for s in current
        ):
            if intent.good is not None:
                self._tell(tracked, "rolled", "every endpoint runs the new revision")
            tracked.intent = replace(intent, good=intent.service)

    def _tell(self, tracked: Tracked, kind: str, message: str, endpoint: str = "") -> None:
        self._edges.journal.record(kind, tracked.service.name, message, endpoint)


def _listed_again(tracked: Tracked, before: Endpoint | None, endpoint: Endpoint) -> bool:
    """Whether a fixed endpoint was leaving because it was unlisted, and is listed now.

    Of one that was leaving when fairlead was restarted only the drain is known; one that leaves by
    command is in `leaves` too.
    """
    if before is not None:
        return bool(endpoint.revision) and not before.revision
    key = endpoint.id
    return tracked.service.fixed and key in tracked.drains and key not in tracked.leaves


def _moved(before: Endpoint, now: Endpoint) -> bool:
    """Whether it is to be probed anew: it has got its place, or another one."""
    if now.phase is not Phase.RUNNING:
        return False
    appeared = before.phase is Phase.PENDING
    return appeared or (before.address, before.port) != (now.address, now.port)


def _withdrawn(table: ServiceTable, endpoint_id: str) -> bool:
    return all(e.state is not EntryState.UP for e in table.entries if e.id == endpoint_id)
