"""Services."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Any

from fairlead.core.ecs.model import ACTIVE, DRAINING, INACTIVE, Wire
from fairlead.rehearsal.definitions import constraints, strategies
from fairlead.rehearsal.faults import inactive_service, invalid, unsupported
from fairlead.rehearsal.ledger import Cluster
from fairlead.rehearsal.operations.given import ids, refuse_others, tags_of
from fairlead.rehearsal.paging import page
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.service import Deployment, Happening, Service
from fairlead.rehearsal.service_view import service_view
from fairlead.rehearsal.views import Out, failure, tag_list

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PLACED = ("placementConstraints", "placementStrategy", "deploymentConfiguration")
_CREATED = (
    "cluster",
    "serviceName",
    "taskDefinition",
    "desiredCount",
    "clientToken",
    "launchType",
    "schedulingStrategy",
    "deploymentController",
    "networkConfiguration",
    "tags",
    "enableECSManagedTags",
    "propagateTags",
    *_PLACED,
)
_UPDATED = (
    "cluster",
    "service",
    "desiredCount",
    "taskDefinition",
    "forceNewDeployment",
    "networkConfiguration",
    *_PLACED,
)


def create(plane: Plane, request: Wire) -> Out:
    refuse_others(request, _CREATED)
    cluster = plane.ledger.cluster(request.get("cluster"))
    _check_new(cluster, request)
    tags = tags_of(request)
    service = _new(plane, cluster, request)
    plane.ledger.put(cluster, service)
    _tell_begun(plane, cluster, service)
    plane.ledger.tags[service.arn] = tags
    return {"service": service_view(service, cluster)}


def _check_new(cluster: Cluster, request: Wire) -> None:
    if not _NAME.fullmatch(request["serviceName"]):
        raise invalid(
            "Invalid service name: letters, numbers, hyphens and underscores, 255 at most."
        )
    if request.get("launchType", "EC2") != "EC2":
        raise unsupported(f"launch type {request['launchType']}")
    if request.get("deploymentController", {}).get("type", "ECS") != "ECS":
        raise unsupported("deployment controllers other than ECS")
    if "taskDefinition" not in request:
        raise invalid("TaskDefinition can not be blank.")
    daemon = request.get("schedulingStrategy") == "DAEMON"
    if not daemon and "desiredCount" not in request:
        raise invalid("Desired count can not be blank.")
    known = cluster.services.get(request["serviceName"])
    if known and known.status == DRAINING:
        raise invalid("Unable to Start a service that is still Draining.")
    if known and known.status == ACTIVE:
        raise invalid("Creation of service was not idempotent.")


def _new(plane: Plane, cluster: Cluster, request: Wire) -> Service:
    definition = plane.ledger.definition(request["taskDefinition"])
    check_network(definition.network, request)
    name, daemon = request["serviceName"], request.get("schedulingStrategy") == "DAEMON"
    service = Service(
        name,
        plane.ledger.arn(f"service/{cluster.name}/{name}"),
        _count(request.get("desiredCount", 0)),
        (_deployment(plane, definition.arn),),
        minimum=0 if daemon else 100,
        maximum=100 if daemon else 200,
        daemon=daemon,
        created=plane.ledger.now(),
    )
    return _arranged(service, request)


def check_network(network: str, request: Wire) -> None:
    """Refusal unless there is a network configuration for awsvpc, and for awsvpc alone."""
    if (network == "awsvpc") != bool(request.get("networkConfiguration")):
        raise invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            if network == "awsvpc"
            else "Network Configuration is not valid for the given networkMode of this task"
            " definition."
        )


def _count(desired: int) -> int:
    if not 0 <= desired <= 5000:
        raise invalid("The desired count must be between 0 and 5000.")
    return desired


def _deployment(plane: Plane, definition: str) -> Deployment:
    identity = f"ecs-svc/{secrets.randbelow(10**19):019}"
    now = plane.ledger.now()
    told = f"ECS deployment {identity} in progress."
    return Deployment(identity, definition, created=now, updated=now, reason=told)


def _arranged(service: Service, request: Wire) -> Service:
    """With what the request says of placement and deployments; the rest stays."""
    changes: dict[str, Any] = {}
    if "placementConstraints" in request:
        changes["constraints"] = constraints(request["placementConstraints"])
    if "placementStrategy" in request:
        changes["strategies"] = strategies(request["placementStrategy"])
    if "networkConfiguration" in request:
        changes["wire"] = {"networkConfiguration": request["networkConfiguration"]}
    changed = replace(service, **changes, **_percents(request.get("deploymentConfiguration", {})))
    if changed.daemon and (changed.strategies or changed.maximum != 100):
        raise invalid("A DAEMON service has no placement strategy, and a maximum percent of 100.")
    if changed.minimum == changed.maximum == 100 and not changed.daemon:
        raise invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block"
            " deployments."
        )
    return changed


def _percents(configuration: Wire) -> dict[str, Any]:
    refuse_others(
        configuration,
        ("maximumPercent", "minimumHealthyPercent", "deploymentCircuitBreaker", "strategy"),
    )
    if configuration.get("strategy", "ROLLING") != "ROLLING":
        raise unsupported(f"deployment strategy {configuration['strategy']}")
    found: dict[str, Any] = {}
    if (maximum := configuration.get("maximumPercent")) is not None:
        if not 100 <= maximum <= 200:
            raise invalid("maximumPercent must be between 100 and 200.")
        found["maximum"] = maximum
    if (minimum := configuration.get("minimumHealthyPercent")) is not None:
        if not 0 <= minimum <= 100:
            raise invalid("minimumHealthyPercent must be between 0 and 100.")
        found["minimum"] = minimum
    if breaker := configuration.get("deploymentCircuitBreaker"):
        refuse_others(breaker, ("enable", "rollback"))
        found |= {"breaker": breaker["enable"], "rollback": breaker["rollback"]}
    return found


def update(plane: Plane, request: Wire) -> Out:
    refuse_others(request, _UPDATED)
    cluster = plane.ledger.cluster(request.get("cluster"))
    service = plane.ledger.service(cluster, request["service"])
    if service.status != ACTIVE:
        raise inactive_service()
    changed = _arranged(service, request)
    if "desiredCount" in request:
        if service.daemon:
            raise invalid("The daemon scheduling strategy does not support a desired count.")
        changed = replace(changed, desired=_count(request["desiredCount"]))
    changed = _deployed(plane, changed, request)
    plane.ledger.put(cluster, changed)
    if changed.primary.id != service.primary.id:
        _tell_begun(plane, cluster, changed)
    return {"service": service_view(changed, cluster)}


def _tell_begun(plane: Plane, cluster: Cluster, service: Service) -> None:
    identity, told = service.primary.id, service.primary.reason
    name = "SERVICE_DEPLOYMENT_IN_PROGRESS"
    happening = Happening(name, service.arn, deployment=identity, reason=told)
    plane.ledger.tell(cluster, happening)


def _deployed(plane: Plane, service: Service, request: Wire) -> Service:
    """With a new deployment, when there is something else to deploy."""
    definition = plane.ledger.definition(request.get("taskDefinition", service.primary.definition))
    if definition.network == "awsvpc" and not service.wire.get("networkConfiguration"):
        check_network(definition.network, {})
    if definition.arn == service.primary.definition and not request.get("forceNewDeployment"):
        return service
    old = tuple(replace(each, status="ACTIVE") for each in service.deployments)
    return replace(service, deployments=(_deployment(plane, definition.arn), *old))


def delete(plane: Plane, request: Wire) -> Out:
    """Its tasks stop; it is DRAINING until they have, then INACTIVE."""
    cluster = plane.ledger.cluster(request.get("cluster"))
    service = plane.ledger.service(cluster, request["service"])
    if service.status != ACTIVE:
        raise inactive_service()
    if service.desired and not service.daemon and not request.get("force"):
        raise invalid("The service cannot be stopped while it is scaled above 0.")
    changed = replace(service, status=DRAINING, desired=0, minimum=0)
    plane.ledger.put(cluster, changed)
    return {"service": service_view(changed, cluster)}


def describe(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    views, failures = [], []
    for given in ids(request, "services", 10):
        name = given.rpartition("/")[2]
        arn = plane.ledger.arn(f"service/{cluster.name}/{name}")
        if service := cluster.services.get(name):
            views.append(service_view(service, cluster))
        else:
            failures.append(failure(arn))
    if "TAGS" in request.get("include", ()):
        for view in views:
            view["tags"] = tag_list(plane.ledger.tags.get(view["serviceArn"], {}))
    return {"services": views, "failures": failures}


def list_(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    if request.get("launchType", "EC2") != "EC2":
        return {"serviceArns": []}
    kind = request.get("schedulingStrategy")
    found = (
        each.arn
        for each in cluster.services.values()
        if each.status != INACTIVE and kind in (None, "DAEMON" if each.daemon else "REPLICA")
    )
    return page(found, {"maxResults": 10, **request}, "serviceArns")
