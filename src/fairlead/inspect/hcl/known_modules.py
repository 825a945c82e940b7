"""Modules of the public registry that make no resources: their outputs are worked out here.

Inputs and outputs: https://registry.terraform.io/modules/cloudposse/ecs-container-definition
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fairlead.core.setup import At
from fairlead.inspect.hcl.encodings import ENCODINGS
from fairlead.inspect.values import Value

_CONTAINER = re.compile(r"(?:registry\.\w+\.\w+/)?cloudposse/ecs-container-definition/aws$")
_INPUTS = {
    "name": "container_name",
    "image": "container_image",
    "memory": "container_memory",
    "memoryReservation": "container_memory_reservation",
    "cpu": "container_cpu",
    "essential": "essential",
    "portMappings": "port_mappings",
    "environment": "environment",
    "healthCheck": "healthcheck",
    "mountPoints": "mount_points",
    "stopTimeout": "stop_timeout",
}


def is_known(source: str) -> bool:
    """A call of it makes nothing that would have to be read."""
    return bool(_CONTAINER.match(source))


def known_output(source: str, name: str, given: Callable[[str], Value], at: At) -> Value | None:
    """An output of such a module, with what its inputs are given; None where it is none."""
    if not is_known(source):
        return None
    inputs = {word: given(name) for word, name in _INPUTS.items()}
    said = Value({word: value for word, value in inputs.items() if value.given}, (at,))
    return _written(name.removeprefix("sensitive_"), said, at)


def _written(name: str, container: Value, at: At) -> Value | None:
    if name == "json_map_object":
        return container
    if name == "json_map_encoded":
        return ENCODINGS["jsonencode"]([container], at)
    listed = Value((container,), (at,))
    return ENCODINGS["jsonencode"]([listed], at) if name == "json_map_encoded_list" else None
