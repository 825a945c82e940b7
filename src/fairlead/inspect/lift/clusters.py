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
_JOINS = re.compile(r"ECS_CLUSTER\s*=\s*[\"']?((?:<[^>\n]*>|[\w.-])+)")


def cluster_key(of: Value, links: Links) -> str:
    """By reference; by name or ARN; `default` where none is given; empty where it is unknown."""
    if key := links.key_of(of, CLUSTER):
        return key
    sources = [refer for refer in of.refers if f"data.{CLUSTER}." in refer]
    if len(sources) == 1:
        return links.key(sources[0])
    if links.found(of, CLUSTER):
        return ""
    name = _marked(of) if of.given else "default"
    return _named(name.rpartition("cluster/")[2], links)


def joined_cluster(user_data: Value, links: Links) -> str:
    """The one that a node's script has its agent join; empty where that is not said, or unknown."""
    names = _JOINS.findall(_marked(user_data))
    if not names:
        return ""
    pieces = user_data.pieces if isinstance(user_data, Made) else ()
    lost = {_mark(piece.value): piece.value for piece in pieces if piece.lost and piece.value}
    return cluster_key(lost[names[-1]], links) if names[-1] in lost else _named(names[-1], links)


def _named(name: str, links: Links) -> str:
    """The resource of that name, also where both are put together of the same unknown parts; else
    the name itself, where it is known."""
    named = [c for c in links.of(CLUSTER) if _marked(c.settings.get("name")) == name]
    if len(named) == 1:
        return links.key(named[0].address)
    return "" if "<" in name else name


def _marked(of: Value) -> str:
    """A text in which what is not known stands as where that comes from: two that come from the
    same variable are the same."""
    if isinstance(of, Made) and of.pieces:
        return "".join(
            _mark(piece.value) if piece.lost and piece.value else piece.text for piece in of.pieces
        )
    return _mark(of) if of.unknown else of.text().value or ""


def _mark(of: Value) -> str:
    return f"<{','.join(of.refers) or (of.origin[-1] if of.origin else '')}>"


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
