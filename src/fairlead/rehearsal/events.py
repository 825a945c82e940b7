"""State changes as EventBridge tells them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fairlead.core.ecs.model import Instance, Task
from fairlead.rehearsal.ledger import ACCOUNT, Change, Cluster, Ledger
from fairlead.rehearsal.rooms import rooms
from fairlead.rehearsal.service import Happening
from fairlead.rehearsal.task_view import task_view
from fairlead.rehearsal.views import instance_view

Out = dict[str, Any]
_TIMES = frozenset(
    ("createdAt", "startedAt", "stoppedAt", "stoppingAt", "registeredAt", "connectivityAt")
)


class Events:
    """A ledger's listener: each change of a task or a node, to `listener`, in an envelope."""

    def __init__(self, ledger: Ledger, listener: Callable[[Out], None]) -> None:
        self._ledger, self._listener = ledger, listener

    def __call__(self, cluster: Cluster, change: Change) -> None:
        if isinstance(change, Task):
            definition = self._ledger.definition(change.definition)
            detail = task_view(change, cluster, definition)
            self._send("ECS Task State Change", change.arn, detail)
        elif isinstance(change, Instance):
            left = rooms(self._ledger, cluster)[change.arn]
            detail = instance_view(change, left, list(cluster.living()))
            detail["clusterArn"] = cluster.arn
            self._send("ECS Container Instance State Change", change.arn, detail)

        elif isinstance(change, Happening):
            self._send(*_service_event(cluster, change, self._ledger.now()))

    def _send(self, kind: str, arn: str, detail: Out) -> None:
        now = self._ledger.now()
        self._listener(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": kind,
                "source": "aws.ecs",
                "account": ACCOUNT,
                "time": _text(now, "seconds"),
                "region": self._ledger.region,
                "resources": [arn],
                "detail": {"updatedAt": _text(now), **_timed(detail)},
            }
        )


def _service_event(cluster: Cluster, change: Happening, now: float) -> tuple[str, str, Out]:
    detail: Out = {"eventType": change.level, "eventName": change.name}
    if change.reason:
        detail["reason"] = change.reason
    if change.deployment:
        detail["deploymentId"] = change.deployment
        return "ECS Deployment State Change", change.service, detail
    detail |= {"clusterArn": cluster.arn, "createdAt": now}
    return "ECS Service Action", change.service, detail


def _timed(detail: Mapping[str, Any]) -> Out:
    """Events have times as texts, where the API has numbers."""
    return {k: _text(v) if k in _TIMES else v for k, v in detail.items()}


def _text(moment: float, precision: str = "milliseconds") -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")
