"""Container instances and their EC2 machines, as nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.core.ecs.model import Instance as Place
from fairlead.core.model import Node
from fairlead.platforms.ecs.footprint import read_place
from fairlead.platforms.ecs.shapes import address, number, part, parts, text
from fairlead.ports import Capacity

_UNKNOWN = Capacity()


@dataclass(frozen=True, slots=True)
class Instance:
    """A container instance. `machine` is the EC2 instance's id, `place` what it was when it was
    empty."""

    arn: str
    machine: str = ""
    state: str = "ready"
    zone: str = ""
    capacity: Capacity = _UNKNOWN
    place: Place | None = None

    @property
    def node(self) -> str:
        return self.machine or self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Addresses:
    private: str
    public: str = ""
    zone: str = ""


def read_instance(raw: Mapping[str, Any]) -> Instance | None:
    arn = text(raw, "containerInstanceArn")
    if not arn:
        return None
    attributes = {text(a, "name"): text(a, "value") for a in parts(raw, "attributes")}
    left = {
        text(r, "name"): number(r, "integerValue") or 0 for r in parts(raw, "remainingResources")
    }
    return Instance(
        arn,
        text(raw, "ec2InstanceId"),
        _state(raw),
        attributes.get("ecs.availability-zone", ""),
        Capacity(left.get("CPU", 0), left.get("MEMORY", 0)),
        read_place(raw),
    )


def _state(raw: Mapping[str, Any]) -> str:
    """A status that is not known is no reason to leave a node that works."""
    status = text(raw, "status")
    if status in ("INACTIVE", "DEREGISTERING", "REGISTRATION_FAILED"):
        return "away"
    if status == "DRAINING":
        return "draining"
    return "away" if raw.get("agentConnected") is False else "ready"


def read_machines(raw: Mapping[str, Any]) -> Iterator[tuple[str, Addresses]]:
    """By EC2 instance id; machines that have no address yet, or no more, are left out."""
    for reservation in parts(raw, "Reservations"):
        for machine in parts(reservation, "Instances"):
            name, private = text(machine, "InstanceId"), address(machine, "PrivateIpAddress")
            zone = text(part(machine, "Placement"), "AvailabilityZone")
            if name and private:
                yield name, Addresses(private, address(machine, "PublicIpAddress"), zone)


def node(instance: Instance, addresses: Addresses) -> Node:
    return Node(
        id=instance.node,
        address=addresses.private,
        state=instance.state,
        public=addresses.public,
        zone=instance.zone or addresses.zone,
    )
