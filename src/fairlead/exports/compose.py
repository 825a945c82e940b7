"""A Compose file: copies without ports of their own, and fairlead in front of them.

fairlead finds the copies by their labels, so that `docker compose up --scale catalog=3` is enough.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from fairlead.exports.parts import Part
from fairlead.exports.task_definition import labels

NETWORK = "services"


def compose(parts: Sequence[Part], cluster: str, image: str, port: int) -> str:
    """`image` is fairlead's, `port` the one of the machine that clients ask."""
    network = f"{cluster}-services"
    services = {part.name: _service(part, network) for part in parts}
    document = {
        "services": {"fairlead": _front(cluster, image, port), **services},
        "networks": {NETWORK: {"name": network}},
        "volumes": {"fairlead": {}},
    }
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=120)


_HEAD = """\
# docker compose up --scale NAME=3: fairlead finds each copy, checks it and balances over all.
# The group of /var/run/docker.sock: DOCKER_GID=$(stat -c %g /var/run/docker.sock)
"""


def _front(cluster: str, image: str, port: int) -> dict[str, Any]:
    settings = {"cluster": cluster, "platform": "docker", "listen": "0.0.0.0:80"}
    return {
        "image": image,
        "restart": "unless-stopped",
        "ports": [f"{port}:80"],
        "environment": {"FAIRLEAD_SETTINGS": escaped(json.dumps(settings))},
        "volumes": ["/var/run/docker.sock:/var/run/docker.sock", "fairlead:/var/lib/fairlead"],
        "group_add": ["${DOCKER_GID:-999}"],
        "networks": [NETWORK],
        "stop_grace_period": "60s",
    }


def _service(part: Part, network: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "image": part.image,
        "restart": "unless-stopped",
        "labels": _labels(part, network),
        "networks": [NETWORK],
        "stop_grace_period": f"{part.stop_timeout}s",
        "deploy": {"replicas": part.count, "resources": {"limits": {"memory": f"{part.memory}M"}}},
    }
    variables = {name: escaped(value) for name, value in part.environment}
    made |= {"environment": variables} if variables else {}
    return made | ({"command": [escaped(word) for word in part.command]} if part.command else {})


def _labels(part: Part, network: str) -> dict[str, str]:
    own = {"fairlead.port": str(part.port), "fairlead.network": network}
    return {name: escaped(value) for name, value in (labels(part) | own).items()}


def escaped(text: str) -> str:
    """Compose puts variables in the place of `$NAME`; a doubled dollar is one."""
    return text.replace("$", "$$")
