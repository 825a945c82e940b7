"""The examples' settings are what fairlead takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.core.model import Route
from fairlead.settings import load

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/fairlead.yaml")), ids=lambda f: f.parent.name
)
def test_examples_load(file: Path) -> None:
    cluster = load(file)
    assert cluster.name == file.parent.name
    folders = [Path(service.cwd) for service in cluster.services]
    assert all(folder.is_dir() and folder.is_relative_to(file.parent) for folder in folders)


def test_the_shop_is_reached_under_its_hosts_and_under_the_frontends() -> None:
    services = load(EXAMPLES / "shop" / "fairlead.yaml").services
    names = {service.name: service for service in services}
    assert names.keys() == {"frontend", "accounts", "catalog", "alerts", "text-search"}
    assert names.pop("frontend").routes == (Route("shop.localhost"),)
    for name, service in names.items():
        inner = Route("shop.localhost", f"/api/{name}", strip=True)
        assert service.routes == (Route(f"{name}.localhost"), inner)
        assert service.health.path == "/actuator/health"
