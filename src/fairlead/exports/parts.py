"""What a service is to those who run it: from the settings, and from what is given beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fairlead.core.errors import BadInput
from fairlead.core.model import CheckKind, Cluster, Route, Service

_IMAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/:@+-]{0,510})")
_BOUNDS = {"port": (1, 65535), "memory": (4, 1 << 20), "cpu": (1, 1 << 16)}


@dataclass(frozen=True, slots=True)
class Given:
    """By service: what the settings do not say."""

    image: Mapping[str, str] = field(default_factory=dict)
    port: Mapping[str, int] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    cpu: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One service. `memory` in MiB, `cpu` in 1/1024 of a core, `stop_timeout` in seconds. `health`
    is a path, empty for a check of the port."""

    name: str
    image: str
    port: int
    memory: int
    cpu: int
    count: int
    routes: tuple[Route, ...]
    health: str = ""
    stop_timeout: int = 30
    environment: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()


def parts_of(cluster: Cluster, given: Given) -> tuple[Part, ...]:
    """One a service. BadInput names all that is missing at once, and the options that give it."""
    services = [s for s in cluster.services if not s.endpoints]
    known = {service.name for service in services}
    for option in ("image", "port", "memory", "cpu"):
        for name in getattr(given, option):
            if name not in known:
                raise BadInput(f"--{option} {name}=…: no service {name!r} {_those(known)}")
    missing = [line for service in services for line in _missing(service, given)]
    if missing:
        raise BadInput("the settings do not say all that is needed; give " + " ".join(missing))
    return tuple(_part(service, given) for service in services)


def pairs(option: str, values: Iterable[str]) -> dict[str, str]:
    """Of `NAME=VALUE` each. BadInput."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not (name and equals and rest):
            raise BadInput(f"--{option} {value}: expected SERVICE=VALUE")
        if name in found:
            raise BadInput(f"--{option}: {name} is given twice")
        found[name] = rest
    return found


def numbers(option: str, values: Iterable[str]) -> dict[str, int]:
    """Of `NAME=NUMBER` each, within what the option can mean. BadInput."""
    least, most = _BOUNDS[option]
    found = pairs(option, values)
    for name, text in found.items():
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise BadInput(f"--{option} {name}={text}: expected a number from {least} to {most}")
    return {name: int(text) for name, text in found.items()}


def images(values: Iterable[str]) -> dict[str, str]:
    """Of `NAME=IMAGE` each. BadInput."""
    found = pairs("image", values)
    return {name: image_name(f"image {name}", image) for name, image in found.items()}


def image_name(option: str, image: str) -> str:
    """The same. BadInput for what could be read as more than a name."""
    if not _IMAGE.fullmatch(image):
        raise BadInput(f"--{option} {image!r}: that is no name of an image")
    return image


def _those(names: Iterable[str]) -> str:
    return f"(there are: {', '.join(sorted(names)) or 'none'})"


def _missing(service: Service, given: Given) -> list[str]:
    name, box = service.name, service.container
    wanted = {
        "image IMAGE": box.image or given.image.get(name),
        "port PORT": box.port or given.port.get(name),
        "memory MIB": given.memory.get(name),
    }
    named = (key.split() for key, value in wanted.items() if not value)
    return [f"--{option} {name}={word}" for option, word in named]


def _part(service: Service, given: Given) -> Part:
    name, box, health = service.name, service.container, service.health
    return Part(
        name,
        given.image.get(name) or box.image,
        given.port.get(name) or box.port,
        given.memory[name],
        given.cpu.get(name, 0),
        service.replicas,
        service.routes,
        health.path if health.kind is CheckKind.HTTP else "",
        max(30, round(service.stop_timeout)),
        service.env,
        service.run if box.image else (),
    )
