"""Clusters."""

from __future__ import annotations

from fairlead.core.ecs.model import ACTIVE, INACTIVE, Wire
from fairlead.rehearsal.faults import Refusal, invalid
from fairlead.rehearsal.ledger import Cluster, Ledger
from fairlead.rehearsal.operations.given import refuse_others, tags_of
from fairlead.rehearsal.paging import page
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.views import Out, cluster_view, failure


def create(plane: Plane, request: Wire) -> Out:
    """Of a name that exists: the cluster as it is."""
    refuse_others(request, ("clusterName", "tags", "settings"))
    tags = tags_of(request)
    cluster = add(plane.ledger, request.get("clusterName", "default"))
    if tags:
        plane.ledger.tags[cluster.arn] = tags
    return {"cluster": _view(plane.ledger, cluster)}


def add(ledger: Ledger, name: str) -> Cluster:
    """Refusal when the name is not one."""
    if not name or len(name) > 255 or not name.replace("-", "a").replace("_", "a").isalnum():
        raise invalid("Identifier was unexpected length or has characters that are not allowed.")
    known = ledger.clusters.get(name)
    if known is None or known.status != ACTIVE:
        ledger.clusters[name] = known = Cluster(name, ledger.arn(f"cluster/{name}"))
    return known


def describe(plane: Plane, request: Wire) -> Out:
    found, failures = [], []
    for given in request.get("clusters") or ["default"]:
        cluster = plane.ledger.clusters.get(given.rpartition("/")[2])
        if cluster:
            found.append(_view(plane.ledger, cluster))
        else:
            arn = given if given.startswith("arn:") else plane.ledger.arn(f"cluster/{given}")
            failures.append(failure(arn))
    return {"clusters": found, "failures": failures}


def list_(plane: Plane, request: Wire) -> Out:
    active = (each.arn for each in plane.ledger.clusters.values() if each.status == ACTIVE)
    return page(active, request, "clusterArns")


def delete(plane: Plane, request: Wire) -> Out:
    cluster = plane.ledger.cluster(request["cluster"])
    if any(each.status != INACTIVE for each in cluster.services.values()):
        raise Refusal(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        )
    if cluster.instances:
        raise Refusal(
            "ClusterContainsContainerInstancesException",
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        )
    cluster.status = INACTIVE
    return {"cluster": _view(plane.ledger, cluster)}


def _view(ledger: Ledger, cluster: Cluster) -> Out:
    return cluster_view(cluster, ledger.tags.get(cluster.arn, {}))
