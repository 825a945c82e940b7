"""What-if as JSON: its keys stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fairlead.core.whatif.deploy import Deploy
from fairlead.core.whatif.follow import Flow
from fairlead.core.whatif.loss import Loss
from fairlead.core.whatif.predict import Prediction
from fairlead.core.whatif.scene import Pending, Scene


def document(found: Prediction) -> dict[str, Any]:
    """Shares are of 1."""
    model, scene = found.model, found.scene
    return {
        "asked": list(model.asked),
        "services": [
            {"name": s.name, "before": s.before, "count": s.count, "running": len(scene.of(s.name))}
            for s in model.services
        ],
        "nodes": [_node(scene, each.arn, each.cpu, each.memory) for each in model.nodes],
        "tasks": [{"name": t.name, "service": t.service, "node": t.node} for t in scene.tasks],
        "pending": _pending(scene.pending),
        "unreached": [{"task": u.task, "node": u.node, "why": u.why} for u in found.unreached],
        "requests": _flows(found.flows),
        "losses": [_loss(each) for each in found.losses],
        "deploys": [_deploy(each) for each in found.deploys],
        "placements": [_placement(each.scene, each.failing) for each in found.outcomes],
        "assumed": list(model.assumed),
    }


def _node(scene: Scene, name: str, cpu: int, memory: int) -> dict[str, Any]:
    tasks = [task.name for task in scene.tasks if task.node == name]
    return {"name": name, "cpu": cpu, "memory": memory, "tasks": tasks}


def _pending(pending: Iterable[Pending]) -> list[dict[str, Any]]:
    return [
        {
            "service": each.service,
            "count": each.count,
            "code": each.why.obstacle.code if each.why.obstacle else "",
            "message": each.message,
        }
        for each in pending
    ]


def _flows(flows: Iterable[Flow]) -> list[dict[str, Any]]:
    return [
        {
            "host": flow.way.host,
            "service": flow.way.service,
            "dns": flow.way.naming.value,
            "shares": flow.shares,
            "failing": flow.failing,
            "unknown": flow.unknown,
            "reasons": list(flow.reasons),
            "entries": [
                {
                    "at": entry.at,
                    "share": entry.share,
                    "ends": [
                        {
                            "share": end.share,
                            "task": end.task,
                            "why": end.why,
                            "unknown": end.unknown,
                        }
                        for end in entry.ends
                    ],
                }
                for entry in flow.entries
            ],
        }
        for flow in flows
    ]


def _loss(loss: Loss) -> dict[str, Any]:
    return {
        "kind": loss.kind,
        "what": loss.what,
        "at_first": _failing(loss.before),
        "afterwards": _failing(loss.after),
        "pending": _pending(loss.pending),
    }


def _failing(flows: Iterable[Flow]) -> list[dict[str, Any]]:
    return [
        {
            "host": flow.way.host,
            "service": flow.way.service,
            "failing": flow.failing,
            "unknown": flow.unknown,
            "reasons": list(flow.reasons),
        }
        for flow in flows
    ]


def _deploy(deploy: Deploy) -> dict[str, Any]:
    return {
        "service": deploy.service,
        "completes": deploy.completes,
        "least_up": deploy.least,
        "failing": deploy.failing,
        "steps": [
            {
                "stopped": list(stage.stopped),
                "started": stage.started,
                "up": stage.up,
                "waits": stage.waits,
                "requests": _failing(stage.flows),
            }
            for stage in deploy.stages
        ],
    }


def _placement(scene: Scene, failing: float) -> dict[str, Any]:
    tasks = {task.name: task.node for task in scene.tasks}
    return {"tasks": tasks, "pending": scene.missing, "failing": failing}
