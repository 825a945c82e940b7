"""A small real Control in memory: what the daemon is to the API, without endpoints or nginx."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairlead.core.errors import BadInput, SettingsError, UnknownName
from fairlead.core.model import Event


@dataclass
class Copy:
    id: str
    port: int
    ready_at: float
    address: str = "127.0.0.1"
    gone_at: float = float("inf")


@dataclass
class StubControl:
    """`lag`: seconds until a new endpoint is ready, and until a drained one is gone.

    `stuck`: new endpoints never get ready, and the service says `stuck` as its problem.
    """

    lag: float = 0.0
    stuck: str = ""
    given_up: bool = False
    bad_file: str = ""
    listen: str = "127.0.0.1:8080"
    names: tuple[str, ...] = ("catalog", "frontend")
    copies: dict[str, list[Copy]] = field(default_factory=dict)
    desired: dict[str, int] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    kept: bool | None = None
    next_port: int = 20000
    paused: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._happened = asyncio.Condition()
        for name in self.names:
            self.copies[name] = []
            self.desired[name] = 1
            self.start(name, lag=0.0)

    def start(self, name: str, lag: float | None = None) -> Copy:
        self.next_port += 1
        wait = self.lag if lag is None else lag
        ready_at = float("inf") if self.stuck and lag is None else time.monotonic() + wait
        copy = Copy(f"{name}-{self.next_port}", self.next_port, ready_at)
        self.copies[name].append(copy)
        return copy

    async def status(self, service: str = "") -> dict[str, Any]:
        names = [self._known(service)] if service else list(self.names)
        return {
            "cluster": "shop",
            "listen": [self.listen],
            "proxy": {"kind": "nginx", "generation": 7, "reloads": 0, "pid": 4711},
            "nodes": [{"id": "local", "address": "127.0.0.1", "state": "ready"}],
            "services": [self._service(name) for name in names],
        }

    def _service(self, name: str) -> dict[str, Any]:
        now = time.monotonic()
        copies = [copy for copy in self.copies[name] if now < copy.gone_at]
        endpoints = [self._endpoint(copy, now) for copy in copies]
        scale = {"min": 1, "max": 9, "wanted": 4, "missing": 0, "why": "requests 40 (target 10)"}
        scaled = {"scale": {**scale, "paused": self.paused[name]}} if name in self.paused else {}
        return {
            **scaled,
            "name": name,
            "strategy": "dynamic",
            "desired": self.desired[name],
            "ready": sum(e["state"] == "ready" for e in endpoints),
            "routes": [f"{name}.localhost", f"shop.localhost/api/{name}"],
            "endpoints": endpoints,
            "problem": self.stuck,
            "given_up": self.given_up,
            "health_path": "/health",
        }

    def _endpoint(self, copy: Copy, now: float) -> dict[str, Any]:
        draining = copy.gone_at != float("inf")
        state = "draining" if draining else "ready" if now >= copy.ready_at else "starting"
        counts = {"in_flight": 0, "requests": 10, "failures": 0, "since": time.time() - 75}
        place = {"node": "local", "address": copy.address, "port": copy.port, "pid": 1234}
        return {"id": copy.id, **place, "state": state, **counts}

    async def scale(self, service: str, replicas: int) -> None:
        self.desired[self._known(service)] = replicas
        if service in self.paused:
            self.paused[service] = f"scaled to {replicas} by command"
        living = [copy for copy in self.copies[service] if copy.gone_at == float("inf")]
        for copy in living[replicas:]:
            copy.gone_at = time.monotonic() + self.lag
        for _ in range(replicas - len(living)):
            self.start(service)
        await self.happen("scale", service, f"{len(living)} to {replicas}")

    async def resume(self, service: str) -> None:
        if self._known(service) not in self.paused:
            raise BadInput(f"{service} has no scale section in the settings: nothing scales it")
        self.paused[service] = ""
        await self.happen("scale-resumed", service, "by command")

    async def scaling(self, service: str = "", *, trial: bool = False) -> list[dict[str, Any]]:
        names = [self._known(service)] if service else list(self.names)
        if service and not trial and service not in self.paused:
            raise BadInput(f"{service} has no scale section in the settings: nothing scales it")
        return [self.verdicts[name] for name in names if name in self.verdicts]

    async def restart(self, service: str) -> None:
        await self.happen("restart", self._known(service), "asked for")

    async def drain(self, service: str, endpoint: str) -> None:
        copies = [copy for copy in self.copies[self._known(service)] if copy.id == endpoint]
        if not copies:
            raise UnknownName(f"service {service} has no endpoint {endpoint!r}")
        copies[0].gone_at = time.monotonic() + self.lag
        await self.happen("drain", service, "asked for", endpoint)

    async def apply(self) -> list[str]:
        if self.bad_file:
            raise SettingsError(self.bad_file, "fairlead.yaml", 3)
        return ["catalog: replicas 1 to 2"]

    async def events(self, since: int, timeout: float) -> list[Event]:
        async with self._happened:
            try:
                async with asyncio.timeout(timeout):
                    await self._happened.wait_for(lambda: self._after(since))
            except TimeoutError:
                return []
            return self._after(since)

    def _after(self, since: int) -> list[Event]:
        return [event for event in self.log if event.seq > since]

    async def happen(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        async with self._happened:
            seq = len(self.log) + 1
            self.log.append(Event(seq, time.time(), kind, service, message, endpoint))
            self._happened.notify_all()

    async def down(self, *, keep: bool) -> None:
        self.kept = keep
        self.ended.set()

    def _known(self, service: str) -> str:
        if service == "broken":
            raise RuntimeError("a mistake of ours")
        if service == "refused":
            raise BadInput("the service has fixed endpoints")
        if service not in self.names:
            raise UnknownName(f"no service {service!r}: there are {', '.join(self.names)}")
        return service


async def live(state: Path, lag: float, *, given_up: bool = False) -> None:
    from fairlead.api.server import serve

    control = StubControl(lag=lag, given_up=given_up)
    for copies in control.copies.values():
        copies[0].ready_at += lag
    async with serve(control, state / "fairlead.sock"):
        await control.ended.wait()
    await asyncio.sleep(lag)
    (state / "ended").write_text(f"keep={control.kept}")


if __name__ == "__main__":
    """FILE STATE: the comments in FILE say how the stub behaves:
    `exit N WORDS`, `lag SECONDS` or `given-up SECONDS`."""
    lines = Path(sys.argv[1]).read_text().splitlines()
    told = "\n".join(line[2:] for line in lines if line.startswith("# "))
    verb, argument, *words = told.split(" ")
    if verb == "exit":
        sys.stderr.write(f"some warning\nfairlead: {' '.join(words)}\n\n")
        sys.exit(int(argument))
    asyncio.run(live(Path(sys.argv[2]), float(argument), given_up=verb == "given-up"))
