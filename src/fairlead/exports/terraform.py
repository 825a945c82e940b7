"""Terraform for a strategy: a module that does not change with the services, and their values.

The values are a `.tfvars.json` file: Terraform reads JSON as JSON, so that no name and no text of
the settings can become code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from fairlead.core.errors import BadInput
from fairlead.core.model import Route
from fairlead.exports.parts import Part
from fairlead.exports.ports import Ports
from fairlead.exports.task_definition import labels

_ALL = {"variables.tf": "common.tf"}
_CODE: Mapping[str, Mapping[str, str]] = {
    "dynamic": {"main.tf": "dynamic.tf", "tasks.tf": "tasks.tf", "front.tf": "front.tf", **_ALL},
    "alb": {"main.tf": "alb.tf", "tasks.tf": "tasks.tf", **_ALL},
    "fixed": {"main.tf": "fixed.tf", "front.tf": "front.tf", **_ALL},
}
STRATEGIES = tuple(_CODE)
VALUES = "services.auto.tfvars.json"
FIRST_PRIORITY, MOST_PRIORITY = 100, 50_000
"""Of a listener's rules (Elastic Load Balancing's guide): a lower one goes first."""
_LONGEST_GROUP = 32


def terraform(parts: Sequence[Part], strategy: str, cluster: str, ports: Ports) -> dict[str, str]:
    """Texts by file name. `ports` are the host ports of each service (strategy fixed). BadInput
    where the strategy cannot do what the settings say."""
    _check(parts, strategy, ports)
    values = {"cluster": cluster, "services": _services(parts, strategy, ports)}
    folder = files("fairlead.exports") / "files"
    texts = {name: (folder / file).read_text("utf-8") for name, file in _CODE[strategy].items()}
    return {**texts, VALUES: json.dumps(values, indent=2) + "\n"}


def _check(parts: Sequence[Part], strategy: str, ports: Ports) -> None:
    for part in parts:
        if strategy == "alb" and any(route.strip for route in part.routes):
            raise BadInput(
                f"{part.name}: a load balancer does not take the path off (strip); let the service "
                "answer below its path, or choose another strategy"
            )
        if strategy == "alb" and len(part.name) > _LONGEST_GROUP:
            told = f"a target group's name has {_LONGEST_GROUP} letters at most"
            raise BadInput(f"{part.name}: {told}")
        if strategy == "fixed" and not ports.get(part.name):
            raise BadInput(f"{part.name}: no host ports are reserved for it")


def _services(parts: Sequence[Part], strategy: str, ports: Ports) -> dict[str, Any]:
    priorities = _priorities(parts)
    return {part.name: _service(part, strategy, ports, priorities) for part in parts}


def _service(
    part: Part, strategy: str, ports: Ports, priorities: Mapping[Route, int]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "image": part.image,
        "port": part.port,
        "memory": part.memory,
        "cpu": part.cpu,
        "count": part.count,
        "stop_timeout": part.stop_timeout,
        "environment": dict(part.environment),
    }
    made |= {"command": list(part.command)} if part.command else {}
    made |= {"health": part.health} if part.health else {}
    if strategy == "alb":
        made["routes"] = [
            {"host": r.host, "path": r.path, "priority": priorities[r]} for r in part.routes
        ]
    made |= {"labels": labels(part)} if strategy != "alb" else {}
    return made | ({"host_ports": list(ports[part.name])} if strategy == "fixed" else {})


def _priorities(parts: Sequence[Part]) -> dict[Route, int]:
    """As fairlead itself chooses: an exact host before a wildcard, and the longest path first."""
    routes = [route for part in parts for route in part.routes]
    ordered = sorted(routes, key=lambda r: ("*" in r.host, r.host == "*", -len(r.path), r.host))
    if len(ordered) > MOST_PRIORITY - FIRST_PRIORITY:
        raise BadInput(f"{len(ordered)} routes are more than a listener's rules can be")
    return {route: FIRST_PRIORITY + number for number, route in enumerate(ordered)}
