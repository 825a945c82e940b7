"""Tasks, and their protection from scale-in."""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.core.ecs.model import ACTIVE, RUNNING, STOPPED, Task, Wire
from fairlead.core.ecs.placement import Unplaced
from fairlead.rehearsal.definitions import constraints, strategies
from fairlead.rehearsal.faults import client, invalid, no_service, unsupported
from fairlead.rehearsal.ledger import Cluster
from fairlead.rehearsal.operations.given import ids, refuse_others, tags_of
from fairlead.rehearsal.operations.services import check_network
from fairlead.rehearsal.paging import page
from fairlead.rehearsal.plane import Order, Plane
from fairlead.rehearsal.task_view import task_view
from fairlead.rehearsal.views import Out, failure, present, tag_list

_RUN = (
    "cluster",
    "count",
    "taskDefinition",
    "group",
    "launchType",
    "networkConfiguration",
    "overrides",
    "placementConstraints",
    "placementStrategy",
    "startedBy",
    "tags",
    "clientToken",
    "propagateTags",
    "enableECSManagedTags",
)
DAY = 2880


def run(plane: Plane, request: Wire) -> Out:
    refuse_others(request, _RUN)
    cluster = plane.ledger.cluster(request.get("cluster"))
    count = request.get("count", 1)
    if not 1 <= count <= 10:
        raise invalid("Count must be between 1 and 10.")
    if request.get("launchType", "EC2") != "EC2":
        raise unsupported(f"launch type {request['launchType']}")
    tags = tags_of(request)
    started, unplaced = plane.start(cluster, _order(plane, request), count)
    for task in started:
        plane.ledger.tags[task.arn] = tags
    if not started and unplaced and unplaced.closest is None:
        raise invalid("No Container Instances were found in your cluster.")
    return {
        "tasks": [_view(plane, cluster, task) for task in started],
        "failures": list(_failures(unplaced)),
    }


def _failures(unplaced: Unplaced | None) -> Iterator[Out]:
    if unplaced and unplaced.closest and unplaced.obstacle:
        yield failure(unplaced.closest.arn, unplaced.obstacle.code)


def _order(plane: Plane, request: Wire) -> Order:
    definition = plane.ledger.definition(request["taskDefinition"])
    if definition.status != ACTIVE:
        raise client("TaskDefinition is inactive")
    check_network(definition.network, request)
    group = request.get("group", f"family:{definition.family}")
    if group.startswith("service:"):
        raise invalid("Invalid group: it may not begin with service:.")
    overrides = request.get("overrides", {})
    refuse_others(overrides, ("containerOverrides",))
    for each in overrides.get("containerOverrides", ()):
        refuse_others(each, ("name", "command", "environment"))
    return Order(
        definition,
        group,
        started_by=request.get("startedBy", ""),
        constraints=constraints(request.get("placementConstraints", ())),
        strategies=strategies(request.get("placementStrategy", ())),
        overrides=overrides,
    )


def stop(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    task = plane.ledger.task(cluster, request["task"])
    if task is None:
        raise invalid("The referenced task was not found.")
    plane.stop(task.arn, "UserInitiated", request.get("reason") or "Task stopped by user")
    return {"task": _view(plane, cluster, cluster.tasks[task.arn])}


def list_(plane: Plane, request: Wire) -> Out:
    """Without `desiredStatus`, those that are to run."""
    cluster = plane.ledger.cluster(request.get("cluster"))
    if (
        "serviceName" in request
        and request["serviceName"].rpartition("/")[2] not in cluster.services
    ):
        raise no_service()
    if request.get("launchType", "EC2") != "EC2":
        return {"taskArns": []}
    found = (
        task.arn for task in cluster.tasks.values() if _is_asked(plane, cluster, task, request)
    )
    return page(found, request, "taskArns")


def _is_asked(plane: Plane, cluster: Cluster, task: Task, request: Wire) -> bool:
    wanted = request.get("desiredStatus", RUNNING)
    if task.desired != wanted:
        return False
    if "serviceName" in request and request["serviceName"].rpartition("/")[2] != task.service:
        return False
    if "containerInstance" in request:
        instance = plane.ledger.instance(cluster, request["containerInstance"])
        if instance is None or instance.arn != task.instance:
            return False
    family = task.definition.rpartition("/")[2].partition(":")[0]
    return (family, task.started_by) == (
        request.get("family", family),
        request.get("startedBy", task.started_by),
    )


def describe(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    found, failures = _found(plane, cluster, request)
    views = [_view(plane, cluster, task) for task in found]
    if "TAGS" in request.get("include", ()):
        for view in views:
            view["tags"] = tag_list(plane.ledger.tags.get(view["taskArn"], {}))
    return {"tasks": views, "failures": failures}


def protect(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request["cluster"])
    minutes = request.get("expiresInMinutes", 120)
    if not 1 <= minutes <= DAY:
        raise invalid(f"expiresInMinutes must be between 1 and {DAY}.")
    ids(request, "tasks", 10)
    found, failures = _protectable(plane, cluster, request)
    until = plane.ledger.now() + 60 * minutes if request["protectionEnabled"] else 0.0
    changed = [plane.ledger.change(cluster, task, protected_until=until) for task in found]
    return {"protectedTasks": [_protection(plane, t) for t in changed], "failures": failures}


def protection(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request["cluster"])
    if not request.get("tasks"):
        living = [task for task in cluster.living() if task.service and task.desired == RUNNING]
        return {"protectedTasks": [_protection(plane, t) for t in living], "failures": []}
    found, failures = _protectable(plane, cluster, request)
    return {"protectedTasks": [_protection(plane, t) for t in found], "failures": failures}


def _protectable(plane: Plane, cluster: Cluster, request: Wire) -> tuple[list[Task], list[Out]]:
    found, failures = _found(plane, cluster, request)
    good = [task for task in found if task.service and task.desired != STOPPED]
    for task in found:
        if task not in good:
            why = "The task is not part of a service, or is being stopped."
            failures.append(failure(task.arn, "TASK_NOT_VALID", why))
    return good, failures


def _protection(plane: Plane, task: Task) -> Out:
    protected = task.protected_until > plane.ledger.now()
    until = task.protected_until if protected else None
    return present(taskArn=task.arn, protectionEnabled=protected, expirationDate=until)


def _found(plane: Plane, cluster: Cluster, request: Wire) -> tuple[list[Task], list[Out]]:
    found, failures = [], []
    for given in ids(request, "tasks"):
        if task := plane.ledger.task(cluster, given):
            found.append(task)
        else:
            arn = plane.ledger.arn(f"task/{cluster.name}/{given}")
            failures.append(failure(given if given.startswith("arn:") else arn))
    return found, failures


def _view(plane: Plane, cluster: Cluster, task: Task) -> Out:
    return task_view(task, cluster, plane.ledger.definition(task.definition))
