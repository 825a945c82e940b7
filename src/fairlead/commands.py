"""What users ask of a running cluster: each sets what is wanted; the loop brings it about."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from fairlead.core.backoff import Backoff
from fairlead.core.errors import BadInput, FairleadError, UnknownName
from fairlead.core.model import Cluster, Container, Phase, Service
from fairlead.core.view import Drain, Intent, Leave, Seen
from fairlead.reconcile import Reconciler
from fairlead.tracking import Tracked

MOST_REPLICAS = 1_000
TASK_PART = 8


class Commands:
    def __init__(self, reconciler: Reconciler) -> None:
        self._loop = reconciler

    def adopt(self, cluster: Cluster, leftovers: Iterable[str] = ()) -> None:
        """Want what the settings say; services not in them, `leftovers` too, are drained."""
        for service in cluster.services:
            self._want(service)
        wanted = {service.name for service in cluster.services}
        for name in {*self._loop.tracked, *leftovers} - wanted:
            self._remove(name)

    def scale(self, name: str, replicas: int) -> None:
        """Pauses the service's scaler, if it has one. UnknownName; BadInput for a count out of
        bounds or a service of fixed endpoints."""
        tracked = self._named(name)
        if tracked.service.fixed:
            raise BadInput(f"{name} lists fixed endpoints: add or remove them in the settings file")
        if not 0 <= replicas <= MOST_REPLICAS:
            raise BadInput(f"cannot scale {name} to {replicas}: expected 0 to {MOST_REPLICAS}")
        before = tracked.service.replicas
        service = replace(tracked.service, replicas=replicas)
        tracked.intent = replace(tracked.intent, service=service, backoff=Backoff())
        tracked.asked = service.orchestrated
        self._tell(name, "scale", f"from {before} to {replicas}, by command")
        if service.scale is not None:
            tracked.paused, tracked.note_at = f"scaled to {replicas} by command", 0.0
            again = f"until: fairlead scale {name} --resume"
            self._tell(name, "scale-paused", f"the count stays at {replicas} {again}")
        self._change(name)

    def resume(self, name: str) -> None:
        """Let the scaler act again. UnknownName; BadInput for a service that has none."""
        tracked = self._named(name)
        if tracked.service.scale is None:
            raise BadInput(f"{name} has no scale section in the settings: nothing scales it")
        if tracked.paused:
            self._tell(name, "scale-resumed", f"from {tracked.service.replicas} on, by command")
        tracked.paused, tracked.contested, tracked.note_at = "", (), 0.0
        self._change(name)

    def autoscale(self, name: str, replicas: int, why: str) -> None:
        """The scaler's own: it gets what it asks for only while nobody has paused it."""
        tracked = self._named(name)
        before = tracked.service.replicas
        if not tracked.steered or replicas == before:
            return
        tracked.take(replicas)
        tracked.asked = tracked.service.orchestrated
        if replicas == 0 or before == 0:
            self._tell(name, "wake" if replicas else "sleep", why)
        else:
            self._tell(name, "autoscale", f"from {before} to {replicas}: {why}")
        self._change(name)

    def wake(self, name: str) -> None:
        """A request waits for a service that is asleep: one endpoint is started, even while its
        scaler is paused. Anything else that waits is not woken by it."""
        tracked = self._loop.tracked.get(name)
        if tracked is None or tracked.removed or not tracked.service.asleep:
            return
        tracked.take(1)
        tracked.intent = replace(tracked.intent, backoff=Backoff())
        tracked.asked = tracked.service.orchestrated
        self._tell(name, "wake", "a request waits")
        self._change(name)

    def restart(self, name: str) -> None:
        """Roll every endpoint; a crash loop or a failed roll is tried again. UnknownName."""
        tracked = self._named(name)
        tracked.intent = replace(tracked.intent, backoff=Backoff(), failed="")
        for seen in tracked.seen():
            if seen.alive and not tracked.service.fixed:
                tracked.leaves[seen.endpoint.id] = Leave("restart")
        for platform in self._loop.edges.platforms:
            platform.reset(name)
        self._tell(name, "restart", "by command")
        self._change(name)

    def drain(self, name: str, endpoint: str) -> None:
        """Take one endpoint out, at once if another is ready, else when its successor is."""
        tracked = self._named(name)
        found = tracked.belief.endpoints.get(endpoint)
        if found is None:
            known = ", ".join(tracked.belief.endpoints) or "none"
            raise UnknownName(f"{name} has no endpoint {endpoint} (it has: {known})")
        tracked.leaves[endpoint] = Leave("drained by command", urgent=True)
        self._change(name)

    def leave(self, task: str) -> Seen | None:
        """Withdraw the endpoint of a task that somebody else is stopping; None when there is none.

        An endpoint's id ends in the beginning of its task's.
        """
        for name, tracked in self._loop.tracked.items():
            for seen in tracked.seen():
                if not _is_of(seen, task):
                    continue
                if seen.drain is None and seen.endpoint.phase is not Phase.EXITED:
                    now = self._loop.edges.clock.now()
                    drain = Drain("its task is being stopped", now, awaited=True)
                    tracked.drains[seen.endpoint.id] = drain
                    self._tell(name, "drain", drain.reason, seen.endpoint.id)
                    self._loop.notify(name)
                return seen
        return None

    def _want(self, service: Service) -> None:
        name = service.name
        tracked = self._loop.tracked.get(name)
        if tracked is None or tracked.removed:
            self._track(service, tracked)
        else:
            replicas = self._count(service, tracked.service.replicas, self._loop.filed.get(name))
            wanted = replace(service, replicas=replicas)
            tracked.intent = Intent(wanted, tracked.intent.good, tracked.intent.failed)
            self._watch_again(tracked)
            self._tell_passed_over(service, replicas)
        if service.scale is None:
            self._loop.tracked[name].paused = ""
        self._loop.filed[name] = service.replicas
        self._loop.notify(name)

    def _track(self, service: Service, before: Tracked | None) -> None:
        """Begin with a service, or take back one that was about to go."""
        kept = self._loop.edges.decisions.get(service.name)
        replicas = service.replicas
        if kept.replicas is not None:
            replicas = self._count(service, kept.replicas, kept.filed)
        wanted = replace(service, replicas=replicas)
        tracked = before or Tracked(Intent(wanted))
        tracked.removed = False
        tracked.asked = service.orchestrated and kept.replicas is not None
        tracked.intent = Intent(wanted, kept.good, kept.failed)
        tracked.paused = kept.paused
        tracked.leaves |= {key: Leave(reason, urgent) for key, reason, urgent in kept.leaving}
        self._loop.tracked[service.name] = tracked

    def _count(self, service: Service, current: int, filed: int | None) -> int:
        """A count set by `scale` stands until the file asks for another than it did then, that of
        a scaler whatever the file asks for: there it only says where to begin."""
        if service.fixed or (service.scale is None and service.replicas != filed):
            return service.replicas
        return current

    def _tell_passed_over(self, service: Service, replicas: int) -> None:
        filed = self._loop.filed.get(service.name, service.replicas)
        if service.scale is None or service.replicas in (filed, replicas):
            return
        told = f"the file says {service.replicas}, where it would begin: it stays at {replicas}"
        self._tell(service.name, "count-kept", f"{told}, as scaled")

    def _remove(self, name: str) -> None:
        tracked = self._loop.tracked.setdefault(name, Tracked(Intent(Service(name))))
        if tracked.removed:
            return
        service = replace(tracked.service, replicas=0, routes=(), endpoints=())
        if service.orchestrated:  # not to be served any more; its copies go on
            service = replace(service, container=Container())
        tracked.intent, tracked.removed = Intent(service), True
        self._loop.filed.pop(name, None)
        self._loop.edges.decisions.drop(name)
        self._tell(name, "remove", "no longer in the settings")
        self._loop.notify(name)

    def _watch_again(self, tracked: Tracked) -> None:
        for seen in tracked.seen():
            if seen.alive:
                self._loop.edges.checks.watch(seen.endpoint, tracked.service.health, seen.health)

    def _named(self, name: str) -> Tracked:
        tracked = self._loop.tracked.get(name)
        if tracked is None or tracked.removed:
            known = ", ".join(self._loop.filed) or "none"
            raise UnknownName(f"no service {name!r} (there are: {known})")
        return tracked

    def _change(self, name: str) -> None:
        """A full disk keeps nobody from scaling in: the pass tells of what cannot be kept."""
        with suppress(FairleadError):
            self._loop.keep(name)
        self._loop.notify(name)

    def _tell(self, name: str, kind: str, message: str, endpoint: str = "") -> None:
        self._loop.edges.journal.record(kind, name, message, endpoint)


def _is_of(seen: Seen, task: str) -> bool:
    part = seen.endpoint.id.rpartition("-")[2]
    return len(part) >= TASK_PART and task.startswith(part)
