"""ECS services: the count that ECS keeps, their deployments, and what ECS tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.core.ecs.model import Constraint, Strategy
from fairlead.platforms.ecs.footprint import read_constraints, read_strategies
from fairlead.platforms.ecs.shapes import moment, number, parts, text

PAUSE_TAG = "fairlead:scale-paused"


@dataclass(frozen=True, slots=True)
class Said:
    """One service event of ECS, such as that it was unable to place a task."""

    id: str
    at: float
    message: str


@dataclass(frozen=True, slots=True)
class Count:
    """`desired` is None where ECS keeps none: a daemon service runs once on each node.

    `rolling`: a deployment is on its way. `definition` is that of new tasks. `serverless`: they
    take nothing of any node (Fargate). `paused` says why its scaler is, from its tag.
    """

    name: str
    arn: str = ""
    active: bool = True
    desired: int | None = None
    running: int = 0
    definition: str = ""
    rolling: bool = False
    said: tuple[Said, ...] = ()
    daemon: bool = False
    serverless: bool = False
    constraints: tuple[Constraint, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    paused: str = ""


def read_count(raw: Mapping[str, Any]) -> Count | None:
    name = text(raw, "serviceName") or text(raw, "serviceArn").rpartition("/")[2]
    if not name:
        return None
    counted = text(raw, "schedulingStrategy") != "DAEMON"
    said = (
        Said(text(e, "id"), moment(e, "createdAt"), text(e, "message")[:500])
        for e in parts(raw, "events")
    )
    return Count(
        name,
        text(raw, "serviceArn"),
        text(raw, "status") not in ("INACTIVE", "DRAINING"),
        number(raw, "desiredCount") if counted else None,
        number(raw, "runningCount") or 0,
        text(raw, "taskDefinition"),
        len(list(parts(raw, "deployments"))) > 1,
        tuple(each for each in said if each.id and each.message),
        not counted,
        _is_serverless(raw),
        read_constraints(raw),
        read_strategies(raw),
        next((text(t, "value") for t in parts(raw, "tags") if text(t, "key") == PAUSE_TAG), ""),
    )


def _is_serverless(raw: Mapping[str, Any]) -> bool:
    chosen = [text(each, "capacityProvider") for each in parts(raw, "capacityProviderStrategy")]
    return text(raw, "launchType") == "FARGATE" or any(c.startswith("FARGATE") for c in chosen)
