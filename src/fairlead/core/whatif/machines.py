"""What a node of an instance type has for tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.core.costs.prices import Machine
from fairlead.core.errors import BadInput

BOUNDLESS = 1 << 30
_BURSTABLE = {"nano": 2, "micro": 2, "small": 3, "medium": 3, "large": 3, "xlarge": 4}
_OTHERS = {"medium": 2, "large": 3, "xlarge": 4, "2xlarge": 4, "4xlarge": 8, "8xlarge": 8}
_UNLIKE = {
    "t2.medium": 3,
    "t2.xlarge": 3,
    "t2.2xlarge": 3,
    "m4.large": 2,
    "t3.2xlarge": 4,
    "t3a.small": 2,
}
_TYPE = re.compile(r"(t\d\w*|[cmr][4-9]\w*)\.(\w+)")


_FAMILY = re.compile(r"(t2|t3a?|t4g|[mcr][4-9][a-z-]*)\.(nano|micro|small|medium|(?:\d*x)?large)")
_SIZES = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1, "xlarge": 2}
"""In `large`; an Nxlarge is N xlarge."""
_MEMORY = {"t": 8, "m": 8, "c": 4, "r": 16}
"""GiB of a `large`."""


@dataclass(frozen=True, slots=True)
class Size:
    """`cpu` in units, `memory` in MiB, `interfaces` are ENIs, the node's own among them."""

    cpu: int
    memory: int
    interfaces: int
    kind: str = ""


def interfaces(kind: str) -> int | None:
    """ENIs of an instance type (EC2 user guide, "IP addresses per network interface per instance
    type"); None for one that is not in the families that are known here."""
    if kind in _UNLIKE:
        return _UNLIKE[kind]
    found = _TYPE.fullmatch(kind)
    if not found:
        return None
    return (_BURSTABLE if kind.startswith("t") else _OTHERS).get(found[2])


def size_of(kind: str, machines: Mapping[str, Machine]) -> Size:
    """BadInput for a type that is not known."""
    machine = machines.get(kind) or (by_family(kind) if interfaces(kind) else None)
    if machine is None:
        raise BadInput(
            f"what a {kind} has for tasks is not known: give --node-memory MIB and --node-cpu UNITS"
        )
    return Size(machine.vcpu * 1024, machine.offered, interfaces(kind) or 2, kind)


def by_family(kind: str) -> Machine | None:
    """A type of the burstable and the general families (EC2 user guide, "Instance types")."""
    found = _FAMILY.fullmatch(kind)
    if not found:
        return None
    size = found[2]
    times = int(size[: -len("xlarge")]) if size[0].isdigit() else 1
    larges = times * _SIZES[size.lstrip("0123456789")]
    single = kind.startswith("t2") and larges < 1 / 2
    cores = max(1 if single else 2, int(2 * larges))
    return Machine(cores, int(_MEMORY[kind[0]] * 1024 * larges), "")
