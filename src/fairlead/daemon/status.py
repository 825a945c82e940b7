"""The status document from what the loop keeps."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.api.document import (
    AgentDoc,
    ApiDoc,
    EndpointDoc,
    EventsDoc,
    NodeDoc,
    ProxyDoc,
    ServiceDoc,
    StatusDoc,
)
from fairlead.core.errors import ProxyError, UnknownName
from fairlead.core.model import CheckKind, Counters, Node, Phase, Service
from fairlead.core.view import Drain, Seen
from fairlead.daemon.scaling import in_short
from fairlead.fleet.roster import Agent, Roster
from fairlead.ports import Capacity, Metered, Proxy, ProxyInfo
from fairlead.reconcile import Reconciler
from fairlead.scaling.scaler import Scaler
from fairlead.tracking import Tracked

NOTHING = Counters()


async def status(
    loop: Reconciler,
    cluster: str,
    name: str = "",
    metered: Metered | None = None,
    roster: Roster | None = None,
    scaler: Scaler | None = None,
) -> StatusDoc:
    """Of one service, or of all when `name` is empty. UnknownName."""
    if name and name not in loop.tracked:
        raise UnknownName(f"no service {name!r} (there are: {', '.join(loop.tracked) or 'none'})")
    chosen = [loop.tracked[name]] if name else list(loop.tracked.values())
    info = await loop.edges.proxy.info()
    nodes = [node for platform in loop.edges.platforms for node in await platform.nodes()]
    room = metered.capacity() if metered else {}
    document: StatusDoc = {
        "cluster": cluster,
        "listen": list(info.listen),
        "proxy": proxy_document(info),
        "nodes": [_node(node, room) for node in nodes],
        "services": [await _service(loop, tracked, scaler) for tracked in chosen],
    }
    if metered:
        document["api"] = _api(metered)
    if roster is not None:
        document["agents"] = [_agent(agent) for agent in roster]
    return document


def proxy_document(info: ProxyInfo) -> ProxyDoc:
    return {
        "kind": info.kind,
        "generation": info.generation,
        "reloads": info.reloads,
        "pid": info.pid,
    }


def _agent(agent: Agent) -> AgentDoc:
    return {
        "node": agent.node,
        "version": agent.version,
        "state": agent.state,
        "generation": agent.applied,
        "problem": agent.problem,
    }


def _node(node: Node, room: Mapping[str, Capacity]) -> NodeDoc:
    document = NodeDoc(id=node.id, address=node.address, state=node.state)
    if left := room.get(node.id):
        document["cpu"], document["memory"] = left.cpu, left.memory
    return document


def _api(metered: Metered) -> ApiDoc:
    calls, heard = metered.calls(), metered.heard()
    document: ApiDoc = {
        "per_second": round(calls.per_second, 2),
        "bound": calls.bound,
        "throttled": calls.throttled,
        "actions": dict(calls.by_action),
    }
    if heard.queue:
        document["events"] = EventsDoc(
            queue=heard.queue,
            received=heard.received,
            taken=heard.taken,
            malformed=heard.malformed,
            problem=heard.problem,
        )
    return document


async def _service(loop: Reconciler, tracked: Tracked, scaler: Scaler | None) -> ServiceDoc:
    service, seen, now = tracked.service, tracked.seen(), loop.edges.clock.now()
    counted = await counted_by(loop.edges.proxy, service.name)
    document: ServiceDoc = {
        "name": service.name,
        "strategy": "fixed" if service.fixed else "dynamic",
        "desired": _desired(tracked),
        "ready": sum(s.ready for s in seen),
        "routes": [str(route) for route in service.routes],
        "endpoints": [
            _endpoint(s, counted.get(s.endpoint.id, NOTHING), service, now) for s in seen
        ],
        "problem": _problem(tracked, now),
        "given_up": bool(tracked.intent.backoff.given_up),
    }
    if service.asleep:
        document["asleep"] = True
    if service.health.kind is CheckKind.HTTP:
        document["health_path"] = service.health.path
    still = service.name in loop.tracked  # it may have gone while its counters were read
    mind = scaler.mind(service.name) if scaler and still else None
    if scaled := in_short(tracked, mind, loop.edges.clock.wall()):
        document["scale"] = scaled
    return document


async def counted_by(proxy: Proxy, service: str) -> dict[str, Counters]:
    """By endpoint id; nothing while the proxy cannot be asked."""
    try:
        return await proxy.counters(service)
    except ProxyError:
        return {}


def _endpoint(seen: Seen, counters: Counters, service: Service, now: float) -> EndpointDoc:
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
        "reason": _reason(seen, service, now),
    }


def _reason(seen: Seen, service: Service, now: float) -> str:
    if seen.drain is not None:
        return _draining(seen, seen.drain, service.drain_timeout, now)
    if seen.leave is not None:
        return seen.leave.reason
    if seen.health.up:
        return ""
    left = seen.since + service.health.start_timeout - now
    if service.fixed or seen.health.ever_up or left < 0:
        return seen.health.problem
    return f"{seen.health.problem or 'not checked yet'}; it has {left:.0f} s more to get ready"


def _draining(seen: Seen, drain: Drain, timeout: float, now: float) -> str:
    if seen.endpoint.phase is not Phase.RUNNING:
        return drain.reason
    left = max(0.0, drain.since + timeout - now)
    requests = "an unknown number" if seen.in_flight is None else str(seen.in_flight)
    return f"{drain.reason}; {requests} in flight, which have {left:.0f} s more"


def _problem(tracked: Tracked, now: float) -> str:
    intent, name = tracked.intent, tracked.service.name
    if intent.backoff.given_up:
        mend = f"see fairlead logs {name}, mend it, then: fairlead restart {name}"
        return f"{intent.backoff.given_up}; {mend}"
    if intent.rolled_back:
        return "the roll to the new revision failed; the old endpoints serve (see: fairlead events)"
    return tracked.problem or _trying(tracked, now) or _taken_out(tracked)


def _trying(tracked: Tracked, now: float) -> str:
    backoff = tracked.intent.backoff
    if not backoff.failures or sum(s.ready for s in tracked.seen()) >= _desired(tracked):
        return ""
    tries = "the last start" if backoff.failures == 1 else f"{backoff.failures} starts in a row"
    wait = backoff.not_before - now
    then = f"; the next try is in {wait:.0f} s" if wait >= 1 else ""
    return f"{tries} failed: {backoff.last}{then}"


def _taken_out(tracked: Tracked) -> str:
    """Drained fixed endpoints are seen no more, and a name may stand for several addresses."""
    name, missing = tracked.service.name, _desired(tracked) - len(tracked.endpoints)
    if not tracked.service.fixed or missing <= 0:
        return ""
    return f"{missing} of {_desired(tracked)} drained; back into use: fairlead restart {name}"


def _desired(tracked: Tracked) -> int:
    service = tracked.service
    if not service.fixed:
        return service.replicas
    return max(len(service.endpoints), sum(s.alive for s in tracked.seen()))
