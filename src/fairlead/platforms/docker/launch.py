"""A new container for a service: what it is made of, and how it is cleared away again."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.core.model import Service
from fairlead.platforms.docker.containers import LOOPBACK, exposed_ports
from fairlead.platforms.docker.engine import Call, Engine, Refused
from fairlead.platforms.docker.images import Images
from fairlead.platforms.docker.labels import own_labels

START_TIMEOUT = 60.0
_NAME = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Launch:
    """One container to be: its name is its endpoint's id."""

    service: Service
    cluster: str
    name: str


def new_name(service: Service) -> str:
    """PlatformError when it cannot run in a container."""
    if not service.container.image or not _NAME.fullmatch(service.name):
        raise PlatformError(f"{service.name!r} cannot be started: it has no `image`, or a bad name")
    return f"{service.name}-{base64.b32encode(os.urandom(4))[:6].decode().lower()}"


async def launch(engine: Engine, images: Images, wanted: Launch) -> None:
    """Create and start it. PlatformError names the service and what is wrong; the caller then
    clears it away, whatever there is of it."""
    service, name = wanted.service, wanted.name
    try:
        config = await images.config(service.name, service.container.image)
        body = creation(wanted, choose_port(service, config))
        query = {"name": name}
        await engine.ask(Call("POST", "/containers/create", query, body, timeout=START_TIMEOUT))
        await engine.ask(Call("POST", f"/containers/{name}/start", timeout=START_TIMEOUT))
    except Refused as error:
        raise PlatformError(f"{service.name}: cannot be started: {error}") from error


async def clear_away(engine: Engine, name: str, *, force: bool) -> None:
    """With its anonymous volumes; one that is gone is no error, nor one that is going."""
    query = {"v": "1", "force": "1" if force else "0"}
    try:
        await engine.ask(Call("DELETE", f"/containers/{name}", query, timeout=START_TIMEOUT))
    except Refused as error:
        if error.status not in (404, 409):
            raise


def choose_port(service: Service, config: Mapping[str, Any]) -> int:
    """The port inside: the settings', else the only one that the image declares."""
    if service.container.port:
        return service.container.port
    declared = exposed_ports(config)
    if len(declared) != 1:
        listed = ", ".join(map(str, declared)) or "none"
        raise PlatformError(
            f"{service.name}: which port of image {service.container.image!r} takes requests is"
            f" not told (it declares {listed}): name it with `port`"
        )
    return declared[0]


def creation(wanted: Launch, port: int) -> dict[str, Any]:
    """The body of POST /containers/create."""
    service = wanted.service
    key = f"{port}/tcp"
    command = [argument.replace("{port}", str(port)) for argument in service.run]
    return {
        "Image": service.container.image,
        "Env": _environment(service, wanted.name, port),
        "Labels": own_labels(service, wanted.cluster, wanted.name, port),
        "ExposedPorts": {key: {}},
        "HostConfig": {"RestartPolicy": {"Name": "no"}, **_reach(service, key)},
        **({"Cmd": command} if command else {}),
    }


def _reach(service: Service, key: str) -> dict[str, Any]:
    """On its network, or published at a port that the engine chooses."""
    if service.container.network:
        return {"NetworkMode": service.container.network}
    return {"PortBindings": {key: [{"HostIp": LOOPBACK, "HostPort": ""}]}}


def _environment(service: Service, endpoint: str, port: int) -> list[str]:
    ours = {"PORT": str(port), "FAIRLEAD_ENDPOINT": endpoint, "FAIRLEAD_SERVICE": service.name}
    return [f"{name}={value}" for name, value in {**dict(service.env), **ours}.items()]
