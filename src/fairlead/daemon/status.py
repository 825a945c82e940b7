"""The status document from what the loop keeps."""

from __future__ import annotations

from fairlead.api.document import EndpointDoc, NodeDoc, ServiceDoc, StatusDoc
from fairlead.core.errors import ProxyError, UnknownName
from fairlead.core.model import CheckKind, Counters
from fairlead.core.view import Seen
from fairlead.reconcile import Reconciler
from fairlead.tracking import Tracked

NOTHING = Counters()


async def status(loop: Reconciler, cluster: str, name: str = "") -> StatusDoc:
    """Of one service, or of all when `name` is empty. UnknownName."""
    if name and name not in loop.tracked:
        raise UnknownName(f"no service {name!r} (there are: {', '.join(loop.tracked) or 'none'})")
    chosen = [loop.tracked[name]] if name else list(loop.tracked.values())
    info = await loop.edges.proxy.info()
    nodes = [node for platform in loop.edges.platforms for node in await platform.nodes()]
    return {
        "cluster": cluster,
        "listen": list(info.listen),
        "proxy": {
            "kind": info.kind,
            "generation": info.generation,
            "reloads": info.reloads,
            "pid": info.pid,
        },
        "nodes": [NodeDoc(id=n.id, address=n.address, state=n.state) for n in nodes],
        "services": [await _service(loop, tracked) for tracked in chosen],
    }


async def _service(loop: Reconciler, tracked: Tracked) -> ServiceDoc:
    service, seen = tracked.service, tracked.seen()
    counters = await _counters(loop, service.name)
    document: ServiceDoc = {
        "name": service.name,
        "strategy": "fixed" if service.fixed else "dynamic",
        "desired": service.replicas,
        "ready": sum(s.ready for s in seen),
        "routes": [str(route) for route in service.routes],
        "endpoints": [_endpoint(s, counters.get(s.endpoint.id, NOTHING)) for s in seen],
        "problem": _problem(tracked),
    }
    if service.health.kind is CheckKind.HTTP:
        document["health_path"] = service.health.path
    return document


async def _counters(loop: Reconciler, service: str) -> dict[str, Counters]:
    try:
        return await loop.edges.proxy.counters(service)
    except ProxyError:
        return {}


def _endpoint(seen: Seen, counters: Counters) -> EndpointDoc:
    endpoint = seen.endpoint
    return {
        "id": endpoint.id,
        "node": endpoint.node,
        "address": endpoint.address,
        "port": endpoint.port,
        "pid": endpoint.pid,
        "state": seen.state.value,
        "in_flight": counters.in_flight,
        "requests": counters.requests,
        "failures": counters.failures,
        "since": endpoint.started,
        "reason": _reason(seen),
    }


def _reason(seen: Seen) -> str:
    if seen.drain is not None:
        return seen.drain.reason
    if seen.leave is not None:
        return seen.leave.reason
    return "" if seen.health.up else seen.health.problem


def _problem(tracked: Tracked) -> str:
    intent = tracked.intent
    if intent.backoff.given_up:
        name = intent.service.name
        return f"{intent.backoff.given_up}; mend it, then: fairlead restart {name}"
    if intent.rolled_back:
        return "the roll to the new revision failed; the old endpoints serve (see: fairlead events)"
    return tracked.problem
