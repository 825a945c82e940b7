"""Tags of whatever has an ARN."""

from __future__ import annotations

from fairlead.core.ecs.model import Wire
from fairlead.rehearsal.faults import Refusal, invalid, no_resource
from fairlead.rehearsal.ledger import Ledger
from fairlead.rehearsal.operations.given import tags_of
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.views import Out, tag_list

MOST = 50


def tag(plane: Plane, request: Wire) -> Out:
    arn = _arn(plane.ledger, request)
    kept = {**plane.ledger.tags.get(arn, {}), **tags_of(request)}
    if len(kept) > MOST:
        raise Refusal("LimitExceededException", f"{MOST} tags at most.")
    plane.ledger.tags[arn] = kept
    return {}


def untag(plane: Plane, request: Wire) -> Out:
    arn = _arn(plane.ledger, request)
    kept = plane.ledger.tags.get(arn, {})
    plane.ledger.tags[arn] = {k: v for k, v in kept.items() if k not in request["tagKeys"]}
    return {}


def list_(plane: Plane, request: Wire) -> Out:
    return {"tags": tag_list(plane.ledger.tags.get(_arn(plane.ledger, request), {}))}


def _arn(ledger: Ledger, request: Wire) -> str:
    arn: str = request["resourceArn"]
    if not arn.startswith(ledger.arn("")):
        raise invalid("Invalid identifier: give an ARN of this account and region.")
    if not any(arn in found for found in _resources(ledger, arn)):
        raise no_resource()
    return arn


def _resources(ledger: Ledger, arn: str) -> list[set[str]]:
    kind = arn.split(":", 5)[5].partition("/")[0]
    clusters = ledger.clusters.values()
    if kind == "task":
        return [set(each.tasks) for each in clusters]
    if kind == "container-instance":
        return [set(each.instances) for each in clusters]
    if kind == "service":
        return [{service.arn for service in each.services.values()} for each in clusters]
    if kind == "task-definition":
        return [{d.arn for d in each} for each in ledger.definitions.values()]
    return [{each.arn for each in clusters}]
