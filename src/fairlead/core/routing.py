"""The routing table: which endpoints of a service get requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fairlead.core.model import Entry, EntryState, Phase, ServiceTable
from fairlead.core.view import Intent, Seen


def table(intent: Intent, seen: Sequence[Seen]) -> ServiceTable:
    """One service's table: endpoints that were ready once and still live, with their states.

    When every endpoint that is to serve fails its checks, all of them stay up: an answer from a
    sick one is never worse than none (load balancers call this failing open).
    """
    entries = tuple(_entry(s) for s in seen if _listed(s))
    if entries and not any(e.state is EntryState.UP for e in entries):
        entries = tuple(replace(e, state=EntryState.UP) if _down(e) else e for e in entries)
    service = intent.service
    traffic = service.traffic if _expected(intent, seen) else replace(service.traffic, hold=0.0)
    return ServiceTable(service.name, service.routes, entries, traffic, service.asleep)


def _listed(seen: Seen) -> bool:
    return seen.health.ever_up and seen.endpoint.phase is not Phase.EXITED


def _down(entry: Entry) -> bool:
    return entry.state is EntryState.DOWN


def _entry(seen: Seen) -> Entry:
    e = seen.endpoint
    if not seen.alive:
        state = EntryState.DRAINING
    else:
        state = EntryState.UP if seen.health.up else EntryState.DOWN
    return Entry(e.id, e.address, e.port, state, e.weight, seen.health.ready_at, e.node)


def _expected(intent: Intent, seen: Sequence[Seen]) -> bool:
    """Whether an endpoint may become ready, so that holding a request makes sense."""
    if intent.service.asleep or any(s.alive for s in seen):
        return True
    return intent.service.replicas > 0 and not intent.service.fixed and not intent.backoff.given_up
