"""Deploys that leave a moment without a copy, and copies that are stopped in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said, first
from fairlead.core.doctor.reach import by_port
from fairlead.core.doctor.workloads import Workload, fronts, nodes_of, services, workloads
from fairlead.core.ecs.rolling import bounds
from fairlead.core.setup import At, Container, ServiceSetup, Setup, Unknown

STOP_DEFAULT = {"ecs": 30, "compose": 10}
"""Seconds from SIGTERM to SIGKILL where nothing is said."""
FARGATE_MOST = 120
SHORT, SHORT_DRAINED = 15, 5
"""Seconds to end requests in flight; a load balancer has drained a task before it is stopped."""

_GRACE = re.compile(
    r"(?i)(graceful|shutdown|drain|terminat).*(timeout|period|phase|seconds|delay|wait|grace)"
    r"|timeout_per_shutdown_phase"
)
_SPAN = re.compile(r"(?i)\s*(\d{1,6})\s*(ms|s|sec|seconds|m)?\s*")


def deploy_downtime(setup: Setup) -> Said:
    for each in services(setup):
        service = each.service
        known = bool(each.task.containers)
        if service is None or each.compose or each.daemon or (known and not each.app):
            continue
        facts = (service.minimum_percent, service.maximum_percent)
        lost = next((fact for fact in facts if fact.unknown), None)
        if lost:
            at = first(lost.origin, each.at)
            yield Unknown(f"deploy percentages of {each.name}", lost.unknown, at)
        elif service.desired.unknown:
            yield from _for_any(each, service)
        else:
            yield from _deploy(setup, each, service, each.desired() or 1)


def _for_any(each: Workload, service: ServiceSetup) -> Said:
    """How many copies there are is not known: what is so for any number."""
    if service.minimum_percent.value == 0:
        yield _down(each, service, "all copies at once")


def _deploy(setup: Setup, each: Workload, service: ServiceSetup, desired: int) -> Said:
    low, high = service.minimum_percent.or_(100) or 0, service.maximum_percent.or_(200) or 0
    limits = bounds(desired, low, high)
    if limits.minimum == 0:
        yield _down(each, service, "the only copy" if desired == 1 else f"all {desired} copies")
    elif limits.minimum >= desired and limits.maximum <= desired:
        yield _stuck(each, service, desired, low, high)
    elif limits.minimum >= desired:
        yield from _no_place(setup, each, desired)


def _down(each: Workload, service: ServiceSetup, what: str) -> Finding:
    fact = service.minimum_percent
    return Finding(
        "deploy-downtime",
        WARNING,
        first(fact.origin, each.at),
        each.name,
        f"a deploy of {each.name} may stop {what} before a new one runs"
        f" (minimum healthy percent {fact.value})",
        "Until the new copy is up and healthy every request fails.",
        "set the minimum healthy percent to 100, with dynamic ports and room for one more copy",
        "minimum",
        fact.origin,
        old=str(fact.value) if _can_rise(each, service) else "",
    )


def _can_rise(each: Workload, service: ServiceSetup) -> bool:
    """A minimum of 100 leaves ECS a way: one more copy may be there, and no port is in its way."""
    desired = service.desired.value or 1
    most = service.maximum_percent.or_(200) or 0
    known = each.task.whole and not any(each.fixed())
    return known and bounds(desired, 100, most).maximum > desired


def _stuck(each: Workload, service: ServiceSetup, desired: int, low: int, high: int) -> Finding:
    at = first(service.maximum_percent.origin, service.minimum_percent.origin, each.at)
    copies = "1 copy" if desired == 1 else f"{desired} copies"
    return Finding(
        "deploy-downtime",
        ERROR,
        at,
        each.name,
        f"a deploy of {each.name} can never proceed: of {copies}, {low} % (rounded up) must stay"
        f" and {high} % (rounded down) may be there",
        "ECS may neither stop an old copy nor start a new one: the old version runs for ever.",
        "set the maximum percent to 200 (or the minimum lower, with several copies)",
        "percentages",
        (at,),
    )


def _no_place(setup: Setup, each: Workload, desired: int) -> Said:
    port = next((fact for _, _, fact in each.fixed()), None)
    if port is None and not (each.service and each.service.distinct):
        return
    nodes = nodes_of(setup, each)
    at = first(each.service.at if each.service else each.at)
    if nodes.most is None:
        yield nodes.unknown(f"whether a deploy of {each.name} finds a node", at)
    elif desired >= nodes.most:
        why = f"host port {port.value}" if port else "distinctInstance"
        yield _full(each, why, nodes.most, at)


def _full(each: Workload, why: str, nodes: int, at: At) -> Finding:
    there = "the only node has" if nodes == 1 else f"each of {nodes} nodes has"
    return Finding(
        "deploy-downtime",
        ERROR,
        at,
        each.name,
        f"a deploy of {each.name} cannot place the new copy: {there} one already ({why}), and none"
        " may stop first",
        "The deploy waits for ever, or until somebody stops a copy by hand: then requests fail.",
        "use dynamic host ports (hostPort 0), or one node more than copies",
        "placement",
        (at,),
    )


def no_health_check(setup: Setup) -> Said:
    for each in workloads(setup):
        boxes = [box for box in each.task.containers if box.ports]
        if not boxes or not each.app or each.daemon or each.balanced or fronts(setup, each):
            continue
        if each.service is None and not _proxied(setup, each):
            if not any(box.checked.or_(False) for box in each.task.containers):
                why = "no service of it was read: a target group may check it"
                yield Unknown(f"health check of {each.name}", why, each.at)
            continue
        yield from _unchecked(each, boxes)


def _proxied(setup: Setup, each: Workload) -> bool:
    """A proxy of this set-up sends requests to it, so no load balancer does."""
    servers = (server for proxy in setup.proxies for server in proxy.servers)
    return any(found.task.key == each.task.key for s in servers for found in by_port(setup, s))


def _unchecked(each: Workload, boxes: list[Container]) -> Said:
    checks = [box.checked for box in each.task.containers]
    if any(check.value for check in checks) or _checked_by_fairlead(each):
        return
    lost = next((check for check in checks if check.unknown), None)
    if lost:
        at = first(lost.origin, each.at)
        yield Unknown(f"health check of {each.name}", lost.unknown, at)
    elif each.compose and (each.service is None or (each.service.desired.value or 1) < 2):
        return  # one copy, whose image may have a check of its own
    elif each.task.whole:
        yield _no_check(each, boxes[0])


def _checked_by_fairlead(each: Workload) -> bool:
    """Its labels make it a service of fairlead, which probes every copy."""
    labels = (label for box in each.task.containers for label in box.labels)
    return any(label.startswith("fairlead.") for label in labels)


def _no_check(each: Workload, box: Container) -> Finding:
    return Finding(
        "no-health-check",
        WARNING,
        first(box.at, each.at),
        each.name,
        f"nothing checks whether a copy of {each.name} can answer",
        "A copy counts as well as soon as its process runs: it gets requests before it can answer"
        " them, and goes on getting them when it hangs; a deploy replaces good copies by bad ones.",
        "give the container a healthCheck, or a target group or a proxy that checks it",
        box.name,
    )


def stop_timeout(setup: Setup) -> Said:
    for each in workloads(setup):
        for box in each.exposed:
            if box.essential and each.app and not each.daemon:
                yield from _stopped(each, box)


def _stopped(each: Workload, box: Container) -> Said:
    fact = box.stop_timeout
    at = first(fact.origin, box.at, each.at)
    if fact.unknown:
        yield Unknown(f"stop timeout of {each.name}", fact.unknown, at)
        return
    given = fact.or_(STOP_DEFAULT["compose" if each.compose else "ecs"]) or 0
    name, wanted = max(_graces(box), key=lambda pair: pair[1], default=("", 0))
    if each.fargate and given > FARGATE_MOST:
        yield _stop(each, box, at, f"stopTimeout {given} is more than Fargate's {FARGATE_MOST} s")
    elif wanted > given:
        yield _stop(each, box, at, f"{name} asks for {wanted} s to shut down, and gets {given}")
    elif fact.value is not None and given < _least(each):
        yield _stop(each, box, at, f"{each.name} has {given} s to end its requests when stopped")


def _least(each: Workload) -> int:
    if each.compose:
        return STOP_DEFAULT["compose"]
    return SHORT_DRAINED if each.balanced else SHORT


def _graces(box: Container) -> Iterator[tuple[str, int]]:
    """Settings by which an application says how long its own shutdown may take."""
    for name, value in box.environment.items():
        span = _SPAN.fullmatch(value)
        if span and _GRACE.search(name):
            scale = {"ms": 0.001, "m": 60}.get((span[2] or "s").lower(), 1)
            seconds = int(int(span[1]) * scale)
            if 0 < seconds <= 900:
                yield name, seconds


def _stop(each: Workload, box: Container, at: At, message: str) -> Finding:
    word = "stop_grace_period" if each.compose else "stopTimeout"
    return Finding(
        "stop-timeout",
        WARNING,
        at,
        each.name,
        message,
        "Every scale-in and every deploy stops copies: what is in flight after that is cut off.",
        f"set {word} to what the longest request takes, 30 s at least, and more than the"
        " application's own shutdown",
        box.name,
        box.stop_timeout.origin,
    )
