"""The input of `aws ecs register-task-definition`: any number of copies fit on a node.

Bridge mode with host port 0: the engine picks a free one each time, and fairlead finds it.
"""

from __future__ import annotations

from typing import Any

from fairlead.exports.parts import Part

DRAIN_MEMORY, DRAIN_RESERVATION = 32, 8
"""MiB. The sidecar takes some 6.4 (README, bench)."""


def task_definition(part: Part, sidecar: str = "") -> dict[str, Any]:
    """`sidecar` is fairlead's image, empty for none."""
    containers = [container(part)]
    if sidecar:
        containers.append(drain(part, sidecar))
    return {
        "family": part.name,
        "networkMode": "bridge",
        "requiresCompatibilities": ["EC2"],
        "containerDefinitions": containers,
    }


def container(part: Part) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": part.name,
        "image": part.image,
        "essential": True,
        "memory": part.memory,
        "portMappings": [{"containerPort": part.port, "hostPort": 0, "protocol": "tcp"}],
        "environment": [{"name": name, "value": value} for name, value in part.environment],
        "dockerLabels": labels(part),
        "stopTimeout": part.stop_timeout,
    }
    made |= {"cpu": part.cpu} if part.cpu else {}
    return made | ({"command": list(part.command)} if part.command else {})


def labels(part: Part) -> dict[str, str]:
    """By which fairlead serves it without a word in its own settings; nothing where labels cannot
    say it: they lead every host there by every path."""
    hosts = tuple(dict.fromkeys(route.host for route in part.routes))
    paths = tuple(dict.fromkeys(route.path for route in part.routes))
    strips = {route.strip for route in part.routes}
    if len(strips) != 1 or len(hosts) * len(paths) != len(part.routes):
        return {}
    made = {"fairlead.service": part.name, "fairlead.host": ",".join(hosts)}
    made |= {"fairlead.path": ",".join(paths)} if paths != ("/",) else {}
    made |= {"fairlead.strip": "true"} if strips == {True} else {}
    return made | ({"fairlead.health": part.health} if part.health else {})


def drain(part: Part, image: str) -> dict[str, Any]:
    """The sidecar that has fairlead take the task out of use before ECS stops it."""
    return {
        "name": "drain",
        "image": image,
        "command": ["fairlead", "hook"],
        "essential": True,
        "memory": DRAIN_MEMORY,
        "memoryReservation": DRAIN_RESERVATION,
        "dependsOn": [{"containerName": part.name, "condition": "START"}],
        "stopTimeout": part.stop_timeout,
    }
