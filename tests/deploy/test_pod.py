"""What `fairlead export pod` makes, run: several copies and their nginx in one container."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from fairlead.exports.pod import Pod, pod
from fairlead.settings import load
from fairlead.wire import Connection, Request
from tests.deploy.test_image import IMAGE, engine
from tests.docker_engine import PrivateEngine
from tests.ground import PATIENCE, until
from tests.integration.cluster import APP

__all__ = ["engine"]
pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]
SETTINGS = """
cluster: pod
services:
  app:
    run: [python3, app.py, "{port}"]
    replicas: 3
    routes: [app.localhost]
    health: {path: /health, interval: 500ms}
"""


def built(engine: PrivateEngine, folder: Path, name: str) -> None:
    command = ["docker", "build", "-q", "-t", name, "."]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={**engine.environment(), "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def pod_image(engine: PrivateEngine, tmp_path: Path) -> str:
    app, made = tmp_path / "app", tmp_path / "pod"
    app.mkdir()
    made.mkdir()
    shutil.copy(APP, app / "app.py")
    (app / "Dockerfile").write_text("FROM scratch\nCOPY app.py /app/app.py\n")
    built(engine, app, "shop:1")
    file = tmp_path / "fairlead.yaml"
    file.write_text(SETTINGS)
    for name, text in pod(load(file), Pod("shop:1", IMAGE, ("/app",)), tmp_path).items():
        (made / name).write_text(text)
    built(engine, made, "pod:1")
    return "pod:1"


async def instance(address: str) -> str:
    """Which copy answers; empty while none does."""
    request = Request("GET", "/", (("Host", "app.localhost"),))
    try:
        async with asyncio.timeout(PATIENCE):
            connection = await Connection.open(partial(asyncio.open_connection, address, 80))
            try:
                answer = await connection.exchange(request, 1 << 16)
            finally:
                connection.close()
    except Exception:  # noqa: BLE001 - not yet there, in whatever way
        return ""
    return dict(answer.headers).get("x-instance", "") if answer.status == 200 else ""


async def test_copies_in_one_container_share_its_requests_and_a_crash_costs_none(
    engine: PrivateEngine, pod_image: str
) -> None:
    container = await engine.run(pod_image)
    networks = json.loads(
        await engine.docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", container)
    )
    address = next(iter(networks.values()))["IPAddress"]
    await until(partial(instance, address), "a copy answers")
    seen: Counter[str] = Counter()

    async def all_seen() -> bool:
        seen[await instance(address)] += 1
        return len(seen.keys() - {""}) == 3

    await until(all_seen, f"three copies answer: {seen}")
    status = ["fairlead", "status", "--json", "-f", "/etc/fairlead/fairlead.yaml"]
    document = json.loads(await engine.docker("exec", container, *status))
    pid = document["services"][0]["endpoints"][0]["pid"]
    await engine.docker("exec", container, "sh", "-c", f"kill -9 {pid}")
    after = [await instance(address) for _ in range(100)]
    assert "" not in after
    await engine.docker("stop", "-t", "60", container)
    state = await engine.docker("inspect", "-f", "{{.State.ExitCode}}", container)
    assert state.strip() == "0"
