"""Platforms over a real engine, what they notify, and containers that others run."""

from __future__ import annotations

import time
from dataclasses import replace

from fairlead.clock import SystemClock
from fairlead.core.errors import WireError
from fairlead.core.model import Container, Endpoint, Phase, Service, Sighting
from fairlead.platforms.docker.platform import DockerPlatform
from fairlead.wire import Request
from tests.docker_engine import PrivateEngine
from tests.ground import fetch, until

FOUND = Service("catalog", found="docker")
STUBBORN = "trap '' TERM; while true; do sleep 0.1; done"
LOGGED_HUP = "trap 'echo hup' HUP; while true; do sleep 0.05; done"


class Told:
    """A journal that only remembers."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        self.messages.append(f"{kind} {service}: {message}")


class Harbour:
    def __init__(self, engine: PrivateEngine) -> None:
        self.engine, self.journal = engine, Told()
        self.notified: list[tuple[float, str]] = []
        self._open: list[DockerPlatform] = []

    def platform(self, cluster: str = "test") -> DockerPlatform:
        made = DockerPlatform(cluster, self.engine.host, self._note, SystemClock(), self.journal)
        self._open.append(made)
        return made

    def service(self, name: str = "catalog", script: str = "", **box: object) -> Service:
        run = ("sh", "-c", script) if script else ()
        container = replace(Container(self.engine.image, 8080), **box)
        return Service(name, run=run, container=container)

    async def labelled(self, *options: str, service: str = "catalog", script: str = "") -> str:
        """The id of a container that somebody else has started."""
        command = ("sh", "-c", script) if script else ()
        label = ("--label", f"fairlead.service={service}") if service else ()
        return await self.engine.run(*label, *options, self.engine.image, *command)

    async def compose(self, number: int, *labels: str) -> str:
        """One copy as `docker compose up --scale catalog=N` starts it."""
        told = (
            "com.docker.compose.project=shop",
            "com.docker.compose.service=catalog",
            f"com.docker.compose.container-number={number}",
            "com.docker.compose.oneoff=False",
            *labels,
        )
        options = [part for label in told for part in ("--label", label)]
        name = ("--name", f"shop-catalog-{number}")
        return await self.labelled(*name, *options, "-p", "127.0.0.1::8080", service="")

    async def clear(self) -> None:
        for platform in self._open:
            await platform.close()
        await self.engine.clear()

    def _note(self, service: str) -> None:
        self.notified.append((time.monotonic(), service))


async def sight(platform: DockerPlatform, service: Service) -> Sighting:
    return await platform.observe([service])


async def endpoints(platform: DockerPlatform, service: Service) -> list[Endpoint]:
    sighting = await sight(platform, service)
    assert sighting.complete, sighting.problem
    return list(sighting.endpoints)


async def in_phase(
    platform: DockerPlatform, service: Service, phase: Phase, count: int = 1
) -> list[Endpoint]:
    """So many endpoints, all in that phase."""

    async def found() -> list[Endpoint]:
        seen = await endpoints(platform, service)
        return seen if [e.phase for e in seen] == [phase] * count else []

    return await until(found, f"{count} {phase} of {service.name}")


async def answers(endpoint: Endpoint) -> bool:
    try:
        return (await fetch(endpoint.port, Request("GET", "/"))).status == 200
    except (WireError, OSError):
        return False
