"""docs/plain-nginx.md: its settings load, its upstream is ours, its location does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fairlead.core.model import Entry, Front, Plain, ServiceTable
from fairlead.proxies.plain.config import directives
from fairlead.settings import parse
from tests.ground import free_port
from tests.proxies.nginx.ground import endpoint, table
from tests.proxies.plain.ground import plain_ground

PAGE = (Path(__file__).parents[3] / "docs" / "plain-nginx.md").read_text()
SETTINGS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
UPSTREAM, LOCATION = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)


def test_the_settings_load() -> None:
    cluster = parse(SETTINGS, "docs/plain-nginx.md")
    assert cluster.proxy == "plain"
    assert cluster.plain.reload == ("systemctl", "reload", "nginx")


def test_the_upstream_is_what_is_written() -> None:
    entries = tuple(Entry(str(port), "10.0.1.100", port) for port in (32768, 32769))
    text = directives([ServiceTable("catalog", (), entries)], Front(), Plain(servers=False))
    assert UPSTREAM in text


@pytest.mark.integration
async def test_the_location_sends_a_refused_request_on(tmp_path: Path) -> None:
    async with plain_ground(tmp_path / "nginx", servers=False) as ground, endpoint("one") as one:
        await ground.proxy.start()
        dead = Entry("dead", "127.0.0.1", free_port())
        await ground.proxy.push(table("catalog", one, dead))
        own = f"server {{ listen 127.0.0.1:{ground.port}; {LOCATION} }}"
        (ground.sites / "own.conf").write_text(own)
        await ground.proxy.push(table("catalog", dead, one))
        before = ground.proxy.nginx.accepting()
        await ground.proxy.nginx.test()
        await ground.proxy.nginx.reload()
        info = await ground.proxy.info()
        await ground.proxy.nginx.follow(info.generation, before)
        assert [await ground.get("any") for _ in range(40)] == [(200, "one")] * 40
