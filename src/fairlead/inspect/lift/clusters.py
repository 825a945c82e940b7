"""Clusters: which one a service or a node belongs to, and what runs there by default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fairlead.core.setup import Fact
from fairlead.inspect.hcl.results import Made
from fairlead.inspect.lift.links import Links, blocks
from fairlead.inspect.values import Resource, Value

CLUSTER = "aws_ecs_cluster"
CAPACITY = "aws_ecs_capacity_provider"
_PROVIDERS = "aws_ecs_cluster_capacity_providers"
_MARKS = "".join(chr(0xE000 + number) for number in range(1_000))  # for what is not known
_JOINS = re.compile(r"ECS_CLUSTER\s*=\s*[\"']?([\w.\ue000-\uf8ff-]+)")


def cluster_key(of: Value, links: Links) -> str:
    """By reference; by name or ARN; `default` where none is given; empty where it is unknown."""
    if key := links.key_of(of, CLUSTER):
        return key
    sources = [refer for refer in of.refers if f"data.{CLUSTER}." in refer]
    if len(sources) == 1:
        return links.key(sources[0])
    if of.unknown or links.found(of, CLUSTER):
        return ""
    name = (of.text().value or "default").rpartition("cluster/")[2]
    return named_cluster(name, links)


def named_cluster(name: str, links: Links) -> str:
    """The resource of that name, else the name itself."""
    named = [c for c in links.of(CLUSTER) if c.settings.get("name").text().value == name]
    return links.key(named[0].address) if len(named) == 1 else name


def joined_cluster(user_data: Value, links: Links) -> str:
    """The one that a node's script has its agent join; empty where that is not said, or unknown."""
    pieces = user_data.pieces if isinstance(user_data, Made) else ()
    lost = [piece.value for piece in pieces if piece.lost and piece.value]
    marks = iter(_MARKS)
    marked = "".join(next(marks, "?") if piece.lost else piece.text for piece in pieces)
    names = _JOINS.findall(marked or user_data.text().value or "")
    if not names or not set(names[-1]) & set(_MARKS):
        return named_cluster(names[-1], links) if names else ""
    return cluster_key(lost[_MARKS.index(names[-1])], links) if len(names[-1]) == 1 else ""


def default_launch(cluster: Value, strategies: Sequence[Value], links: Links) -> Fact[str]:
    """EC2 or FARGATE by capacity providers: the service's, or else the cluster's."""
    chosen = list(strategies) or list(_defaults(links.one(cluster, CLUSTER), links))
    found = [(_launch(item.get("capacity_provider"), links), item) for item in chosen]
    if not found:
        return Fact()
    kinds = {kind for kind, _ in found}
    origin = found[0][1].origin
    if len(kinds) == 1 and (kind := kinds.pop()):
        return Fact(kind, origin)
    return Fact(None, origin, "what its capacity providers run it on is not known")


def _defaults(cluster: Resource | None, links: Links) -> Iterable[Value]:
    if not cluster:
        return ()
    said = blocks(cluster.settings.get("default_capacity_provider_strategy"))
    for of in links.of(_PROVIDERS):
        named = of.settings.get("cluster_name")
        same = named.text().value == cluster.settings.get("name").text().value
        if cluster in links.found(named, CLUSTER) or (same and not named.unknown):
            said = (*said, *blocks(of.settings.get("default_capacity_provider_strategy")))
    return said


def _launch(of: Value, links: Links) -> str:
    if links.found(of, CAPACITY):
        return "EC2"
    name = of.text().value
    if name in ("FARGATE", "FARGATE_SPOT"):
        return "FARGATE"
    return "EC2" if name else ""
