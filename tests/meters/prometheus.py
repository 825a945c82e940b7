"""Prometheus' HTTP API: a server that answers as version 2.42 was seen to, word for word, and that
version itself where it is installed (scripts/setup does not: Debian's package brings 330 MB)."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairlead.wire import Request
from tests.ground import end_process, fetch, free_port, until
from tests.meters.server import Asked, Server, answer, serving


@dataclass
class Scraped:
    """A page of metrics, each value as a text, with the time of its own that it may bring, in
    seconds since the epoch."""

    values: dict[str, str] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)

    def page(self, _: Asked) -> bytes:
        lines = (f"{name} {value}{self._stamp(name)}\n" for name, value in self.values.items())
        return answer("".join(lines), 200, "content-type: text/plain; version=0.0.4")

    def _stamp(self, name: str) -> str:
        return f" {int(self.times[name] * 1000)}" if name in self.times else ""


@dataclass
class Fake:
    """Knows the queries of the tests, and no others: metrics by name, sum(), scalar(), a text, a
    range and timestamp() of a metric."""

    scraped: Scraped = field(default_factory=Scraped)

    def respond(self, asked: Asked) -> bytes:
        assert asked.method == "GET"
        assert asked.path == "/api/v1/query"
        assert asked.query.keys() <= {"query", "time", "timeout"}
        query = asked.query["query"]
        now = float(asked.query.get("time", time.time()))
        if query.startswith("timestamp(\n"):
            return self._timestamp(query.removeprefix("timestamp(\n").removesuffix("\n)"), now)
        return self._value(query, now)

    def _value(self, query: str, now: float) -> bytes:
        if query.count("(") != query.count(")"):
            return _refused(
                'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'
            )
        if query.startswith("scalar("):
            return _data("scalar", [now, self.scraped.values[query[7:-1]]])
        if query.startswith("'"):
            return _data("string", [now, query.strip("'")])
        if query.endswith("]"):
            return _data("matrix", [])
        if query.startswith("sum("):
            found = [float(v) for v in self._series(query[4:-1]).values()]
            return _data("vector", [{"metric": {}, "value": [now, f"{sum(found):g}"]}])
        series = self._series(query.partition(" #")[0])
        return _data(
            "vector", [{"metric": {"__name__": n}, "value": [now, v]} for n, v in series.items()]
        )

    def _timestamp(self, query: str, now: float) -> bytes:
        selected = self._series(query.partition(" #")[0])
        if query.startswith("sum("):
            return _data("vector", [{"metric": {}, "value": [now, f"{now}"]}])
        rows = [[now, f"{self.scraped.times.get(name, now - 0.5)}"] for name in selected]
        return _data("vector", [{"metric": {}, "value": row} for row in rows])

    def _series(self, name: str) -> dict[str, str]:
        known = self.scraped.values.items()
        return {full: value for full, value in known if full.partition("{")[0] == name}


def _data(kind: str, result: Any) -> bytes:
    data = {"resultType": kind, "result": result}
    return answer(json.dumps({"status": "success", "data": data}))


def _refused(error: str) -> bytes:
    return answer(json.dumps({"status": "error", "errorType": "bad_data", "error": error}), 400)


@dataclass
class World:
    url: str
    scraped: Scraped
    server: Server | None = None

    async def seen(self, name: str) -> None:
        """Until Prometheus has scraped a metric."""
        await until(lambda: self._seen(name), f"{name} in Prometheus")

    async def _seen(self, name: str) -> bool:
        if self.server:
            return True
        port = int(self.url.rpartition(":")[2])
        try:
            response = await fetch(port, Request("GET", f"/api/v1/query?query={name}"))
        except Exception:  # noqa: BLE001 - it may still be starting
            return False
        return b'"value"' in response.body


@asynccontextmanager
async def fake() -> AsyncIterator[World]:
    made = Fake()
    async with serving() as server:
        server.respond = made.respond
        yield World(server.url, made.scraped, server)


def absent() -> str:
    """Why there is no real one, or empty."""
    return "" if shutil.which("prometheus") else "prometheus is not installed"


@asynccontextmanager
async def real(directory: Path) -> AsyncIterator[World]:
    scraped, port = Scraped(), free_port()
    async with serving() as exporter:
        exporter.respond = scraped.page
        target = f"127.0.0.1:{exporter.port}"
        job = {"job_name": "shop", "static_configs": [{"targets": [target]}]}
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        (directory / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        process = await asyncio.to_thread(_start, directory, port)
        try:
            yield World(f"http://127.0.0.1:{port}", scraped)
        finally:
            await asyncio.to_thread(end_process, process, signal.SIGTERM)


def _start(directory: Path, port: int) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    command = [
        "prometheus", f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=quiet, stderr=quiet)
