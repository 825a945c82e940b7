"""ECS tasks, from what the API or an event says of them.

A task only ever goes forward, its bindings never change once they are there. So what is known of it
and what is read of it are joined, and a reading that is late, or lacks something, takes nothing
back. A status that is not known yet to this program is taken for one before RUNNING.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fairlead.core.model import Phase
from fairlead.platforms.ecs.shapes import address, moment, number, parts, port, text

DRAIN_TAG = "fairlead:drain"

_LIFE = (
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
)
RUNNING, STOPPED = _LIFE.index("RUNNING"), _LIFE.index("STOPPED")
_GROUP = "service:"


@dataclass(frozen=True, slots=True)
class Binding:
    """A port of a container, and the one of the node that leads to it."""

    container: str
    inside: int
    outside: int


@dataclass(frozen=True, slots=True)
class Task:
    """`stage` counts up along its life; `ending`: ECS wants it stopped. `service` is the ECS
    service's name, empty for tasks of none. `mark` is its drain mark, None where not known.
    `interfaces` are its own addresses (awsvpc) by container, "" for any.
    """

    arn: str
    service: str = ""
    definition: str = ""
    instance: str = ""
    stage: int = 0
    ending: bool = False
    version: int | None = None
    started: float = 0.0
    bindings: tuple[Binding, ...] = ()
    interfaces: tuple[tuple[str, str], ...] = ()
    mark: str | None = None
    reason: str = ""

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def phase(self) -> Phase:
        """RUNNING says nothing of a place where requests could go."""
        if self.stage >= STOPPED:
            return Phase.EXITED
        if self.ending or self.stage > RUNNING:
            return Phase.STOPPING
        return Phase.RUNNING if self.stage == RUNNING else Phase.PENDING


def read_task(raw: Mapping[str, Any]) -> Task | None:
    """None for what is no task at all: it has no ARN."""
    arn = text(raw, "taskArn")
    if not arn:
        return None
    status, group = text(raw, "lastStatus"), text(raw, "group")
    return Task(
        arn=arn,
        service=group.removeprefix(_GROUP) if group.startswith(_GROUP) else "",
        definition=text(raw, "taskDefinitionArn"),
        instance=text(raw, "containerInstanceArn"),
        stage=_LIFE.index(status) if status in _LIFE else 0,
        ending=text(raw, "desiredStatus") == "STOPPED",
        version=number(raw, "version"),
        started=moment(raw, "startedAt") or moment(raw, "createdAt"),
        bindings=tuple(_bindings(raw)),
        interfaces=tuple(_interfaces(raw)),
        mark=_mark(raw),
        reason=_reason(raw),
    )


def joined(known: Task, read: Task) -> Task:
    """What is known of a task after one more reading of it."""
    return replace(
        read,
        service=read.service or known.service,
        definition=read.definition or known.definition,
        instance=read.instance or known.instance,
        stage=max(known.stage, read.stage),
        ending=known.ending or read.ending,
        version=known.version if read.version is None else read.version,
        started=read.started or known.started,
        bindings=_bound(known.bindings, read.bindings),
        interfaces=known.interfaces or read.interfaces,
        mark=known.mark if read.mark is None else read.mark,
        reason=read.reason or known.reason,
    )


def _bound(known: tuple[Binding, ...], read: tuple[Binding, ...]) -> tuple[Binding, ...]:
    """Containers start one after the other: more of them may be there now."""
    there = {(b.container, b.inside) for b in known}
    return (*known, *(b for b in read if (b.container, b.inside) not in there))


def is_news(known: Task, event: Task) -> bool:
    """Whether an event is later than what is known: events come twice, and out of order."""
    if event.version is None or known.version is None:
        return True
    return event.version > known.version


def looks_same(one: Task, other: Task) -> bool:
    """Nothing that anybody could see of it differs."""
    return replace(one, version=None) == replace(other, version=None)


def _bindings(raw: Mapping[str, Any]) -> list[Binding]:
    """Of TCP, IPv4 first: ECS lists a port once more for IPv6."""
    found = []
    for container in parts(raw, "containers"):
        for each in parts(container, "networkBindings"):
            inside, outside = port(each, "containerPort"), port(each, "hostPort")
            if inside and outside and text(each, "protocol") in ("", "tcp"):
                ipv6 = ":" in text(each, "bindIP")
                found.append((ipv6, Binding(text(container, "name"), inside, outside)))
    return list(dict.fromkeys(binding for _, binding in sorted(found, key=lambda f: f[0])))


def _interfaces(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for container in parts(raw, "containers"):
        own = parts(container, "networkInterfaces")
        found += [(text(container, "name"), address(i, "privateIpv4Address")) for i in own]
    for attachment in parts(raw, "attachments"):
        if text(attachment, "status") in ("", "ATTACHED"):
            details = parts(attachment, "details")
            found += [("", address(d, "value")) for d in details if _is_address(d)]
    return [(name, ip) for name, ip in found if ip]


def _is_address(detail: Mapping[str, Any]) -> bool:
    return text(detail, "name") in ("privateIPv4Address", "privateIpv4Address")


def _mark(raw: Mapping[str, Any]) -> str | None:
    if "tags" not in raw:
        return None
    tags = {text(tag, "key"): text(tag, "value") for tag in parts(raw, "tags")}
    return tags.get(DRAIN_TAG, "")


def _reason(raw: Mapping[str, Any]) -> str:
    """Why it stopped, as ECS tells it, with the exit codes of containers that failed."""
    told = text(raw, "stoppedReason") or text(raw, "stopCode")
    codes = [
        f"{text(c, 'name') or 'container'} exited with {code}"
        for c in parts(raw, "containers")
        if (code := number(c, "exitCode"))
    ]
    return "; ".join([told, *codes] if told else codes)[:500]
