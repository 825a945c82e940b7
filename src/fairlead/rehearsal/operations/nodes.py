"""Container instances and their attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.ecs.model import ACTIVE, DRAINING, Instance, Wire
from fairlead.rehearsal.definitions import members_of
from fairlead.rehearsal.faults import Refusal, invalid
from fairlead.rehearsal.ledger import Cluster
from fairlead.rehearsal.operations.given import ids
from fairlead.rehearsal.paging import page
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.rooms import rooms
from fairlead.rehearsal.views import Out, failure, instance_view, present, tag_list


def list_(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    status, expression = request.get("status"), request.get("filter", "")
    chosen = members_of(expression) if expression else _any
    found = (
        each.arn
        for each in cluster.instances.values()
        if (status or each.status) == each.status and chosen(each, "")
    )
    return page(found, request, "containerInstanceArns")


def _any(_: Instance, __: str) -> bool:
    return True


def describe(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    instances, failures = _found(plane, cluster, request)
    left, tasks = rooms(plane.ledger, cluster), list(cluster.living())
    views = [instance_view(each, left[each.arn], tasks) for each in instances]
    if "TAGS" in request.get("include", ()):
        for view in views:
            view["tags"] = tag_list(plane.ledger.tags.get(view["containerInstanceArn"], {}))
    return {"containerInstances": views, "failures": failures}


def update_state(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    status = request["status"]
    if status not in (ACTIVE, DRAINING):
        raise invalid("Container instances can be set to ACTIVE or DRAINING only.")
    ids(request, "containerInstances", 10)
    instances, failures = _found(plane, cluster, request)
    for each in instances:
        if each.status != status:
            plane.ledger.put(cluster, replace(each, status=status, version=each.version + 1))
    left, tasks = rooms(plane.ledger, cluster), list(cluster.living())
    changed = [cluster.instances[each.arn] for each in instances]
    views = [instance_view(each, left[each.arn], tasks) for each in changed]
    return {"containerInstances": views, "failures": failures}


def list_attributes(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    found = {f"{name}\0{arn}": value for arn, name, value in _attributes(cluster, request)}
    given = page(found, request, "attributes")
    named = [(key.partition("\0"), found[key]) for key in given["attributes"]]
    views = [present(name=n, value=value, targetId=arn) for (n, _, arn), value in named]
    return {**given, "attributes": views}


def _attributes(cluster: Cluster, request: Wire) -> Iterator[tuple[str, str, str]]:
    for instance in cluster.instances.values():
        for name, value in instance.attributes:
            asked = request.get("attributeName", name), request.get("attributeValue", value)
            if asked == (name, value):
                yield instance.arn, name, value


def put_attributes(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request.get("cluster"))
    ids({"attributes": [each["name"] for each in request["attributes"]]}, "attributes", 10)
    targets = [plane.ledger.instance(cluster, a.get("targetId", "")) for a in request["attributes"]]
    if not all(targets):
        raise Refusal("TargetNotFoundException", "The specified target wasn't found.")
    for attribute, target in zip(request["attributes"], targets, strict=True):
        if target:
            _put(plane, cluster, cluster.instances[target.arn], attribute)
    return {"attributes": request["attributes"]}


def _put(plane: Plane, cluster: Cluster, instance: Instance, attribute: Wire) -> None:
    kept = {**dict(instance.attributes), attribute["name"]: attribute.get("value", "")}
    changed = replace(instance, attributes=tuple(kept.items()), version=instance.version + 1)
    plane.ledger.put(cluster, changed)


def _found(plane: Plane, cluster: Cluster, request: Wire) -> tuple[list[Instance], list[Out]]:
    instances, failures = [], []
    for given in ids(request, "containerInstances"):
        if instance := plane.ledger.instance(cluster, given):
            instances.append(instance)
        else:
            arn = plane.ledger.arn(f"container-instance/{cluster.name}/{given}")
            failures.append(failure(given if given.startswith("arn:") else arn))
    return instances, failures
