"""One machine that keeps its own name in DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.core.errors import FairleadError
from tests.integration.cluster import RunningCluster, service

pytestmark = pytest.mark.integration


async def test_a_machine_names_itself_follows_its_routes_and_stays_named(
    cluster: Callable[..., RunningCluster], tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    running = cluster({"app": service(routes=["app.example.com"])})
    running.settings["dns"] = {"address": "10.0.1.100", "hosts": {"file": str(hosts)}}
    running.write()
    await running.start()
    await running.until(lambda: names(hosts) == {"app.example.com"}, "it is named")
    running.settings["services"]["app"]["routes"].append("shop.example.com")
    running.write()
    await asyncio.to_thread(running.client.apply)
    both = {"app.example.com", "shop.example.com"}
    await running.until(lambda: names(hosts) == both, "both are named")
    assert "dns" in running.event_kinds()
    running.settings["dns"]["address"] = "10.0.1.101"
    running.write()
    with pytest.raises(FairleadError, match=r"dns cannot be changed .* down --keep"):
        await asyncio.to_thread(running.client.apply)
    await running.down()
    assert names(hosts) == both
    assert "10.0.1.101" not in hosts.read_text()


def names(hosts: Path) -> set[str]:
    lines = hosts.read_text().splitlines() if hosts.exists() else []
    return {line.split()[1] for line in lines if line and not line.startswith("#")}
