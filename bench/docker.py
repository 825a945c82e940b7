"""From a container's readiness to its first request through nginx, on a Docker engine of its own.

python -m bench.docker [--times 20]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.load import Answer, Call, Connection, Failed
from bench.row import Row, show
from tests.docker_engine import SERVE, PrivateEngine, absent, private_engine
from tests.ground import free_port
from tests.integration.cluster import RunningCluster

GOAL_MS = 50.0
PAUSE = 0.001
"""Seconds between two tries of a probe: so much too late may it see an answer."""
START = 0.3
"""Seconds that the application takes to listen, so that it is ready after the engine's event."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One container, in seconds since the epoch: when it answered straight at its port, and when a
    request through nginx was first answered by it."""

    ready: float
    routed: float

    @property
    def after(self) -> float:
        """Milliseconds."""
        return (self.routed - self.ready) * 1000


class Yard:
    """A fairlead that only discovers, and containers that somebody else starts."""

    def __init__(self, engine: PrivateEngine, running: RunningCluster) -> None:
        self.engine, self.running = engine, running
        self._number = 0

    async def begin(self) -> None:
        """One copy of the service `known` is there before anything is measured."""
        await self.running.start()
        await self.engine.run(*_labels("known"), "-p", "127.0.0.1::8080", self.engine.image)
        await self.running.until(lambda: self.running.client.status()["services"], "discovered")
        await self.running.ready(1, "known")

    async def copy(self) -> Arrival:
        """One more of a service that is known, as `docker compose up --scale` brings it."""
        return await self._arrival("known")

    async def service(self) -> Arrival:
        """The first of a service that nobody knew."""
        return await self._arrival(f"new{self._number}")

    async def _arrival(self, service: str) -> Arrival:
        self._number += 1
        name, port = f"c{self._number}", free_port()
        routed = asyncio.create_task(_routed(self.running.port, f"{service}.localhost", name))
        await self._run(name, service, port)
        async with asyncio.timeout(60):
            arrival = Arrival(await _ready(port, name), await routed)
        await self.engine.docker("rm", "-f", name)
        await self.running.until(lambda: not self._shows(name), f"{name} is gone")
        return arrival

    async def _run(self, name: str, service: str, port: int) -> None:
        place = ("--name", name, "--hostname", name, "-p", f"127.0.0.1:{port}:8080")
        script = f"sleep {START}; {SERVE}"
        await self.engine.run(*_labels(service), *place, self.engine.image, "sh", "-c", script)

    def _shows(self, name: str) -> bool:
        services = self.running.client.status()["services"]
        return any(e["id"] == name for service in services for e in service["endpoints"])


def _labels(service: str) -> tuple[str, ...]:
    labels = {"service": service, "host": f"{service}.localhost", "health": "/"}
    return tuple(part for k, v in labels.items() for part in ("-l", f"fairlead.{k}={v}"))


async def _ready(port: int, name: str) -> float:
    """When the container of this name first answered at its own port.

    Not to be asked before the container runs: the engine's proxy takes connections earlier, and
    the kernel then looks for an address that nobody has yet, once a second.
    """
    while True:
        with suppress(OSError, EOFError, Failed):
            connection = await Connection.open("127.0.0.1", port)
            try:
                if _is_from(await connection.send(Call("GET", "/").render(name)), name):
                    return time.time()
            finally:
                connection.close()
        await asyncio.sleep(PAUSE)


async def _routed(port: int, host: str, name: str) -> float:
    """When a request through nginx was first answered by the container of this name."""
    request, connection = Call("GET", "/").render(host), None
    while True:
        with suppress(OSError, EOFError, Failed):
            connection = connection or await Connection.open("127.0.0.1", port)
            answer = await connection.send(request)
            if _is_from(answer, name):
                connection.close()
                return time.time()
            connection = connection if not answer.last else None
        await asyncio.sleep(PAUSE)


def _is_from(answer: Answer, name: str) -> bool:
    return answer.status == 200 and answer.body.strip() == name.encode()


async def _measure(engine: PrivateEngine, times: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        settings = {"services": {}, "platform": "docker", "docker": {"host": engine.host}}
        running = RunningCluster(Path(folder), settings)
        try:
            yard = Yard(engine, running)
            await yard.begin()
            copies = [await yard.copy() for _ in range(times)]
            services = [await yard.service() for _ in range(times)]
        finally:
            await running.down()
    return [
        *_rows("Docker, one copy more", copies),
        *_rows("Docker, a service by its labels alone", services),
    ]


def _rows(what: str, arrivals: list[Arrival]) -> list[Row]:
    spans = [arrival.after for arrival in arrivals]
    name = f"{what}: ready to first request, worst of {len(spans)}"
    return [
        Row.at_most(name, GOAL_MS, max(spans), "ms"),
        Row.compare("the same, median", statistics.median(spans), "ms"),
    ]


def measure(times: int = 20) -> list[Row]:
    if why := absent():
        return [Row("Docker", f"<= {GOAL_MS:g} ms", f"not measured: {why}", None, 0.0)]
    with private_engine() as engine:
        return asyncio.run(_measure(engine, times))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.docker")
    parser.add_argument("--times", type=int, default=20, help="containers of each kind")
    show(measure(parser.parse_args().times))
