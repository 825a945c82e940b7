"""The difference of two clusters, in words."""

from dataclasses import replace

import pytest

from fairlead.core.changes import describe
from fairlead.core.model import (
    Balance,
    CheckKind,
    Cluster,
    FixedEndpoint,
    Front,
    HealthCheck,
    Roll,
    Route,
    Service,
    Traffic,
)

WEB = Service("web", run=("x",), routes=(Route("a"), Route("b")))
OLD = Cluster(services=(WEB,))


def _after(**changes: object) -> list[str]:
    return describe(OLD, replace(OLD, services=(replace(WEB, **changes),)))


def test_nothing_changed() -> None:
    assert describe(OLD, replace(OLD)) == []


def test_services_come_and_go_in_order_of_name() -> None:
    new = Cluster(services=(Service("mail"), Service("zoo")))
    assert describe(OLD, new) == ["mail: added", "web: removed", "zoo: added"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"replicas": 4}, "web: replicas 1 -> 4"),
        ({"run": ("y",)}, "web: run changed, rolls"),
        ({"run": ("y",), "env": (("A", "1"),), "cwd": "/"}, "web: run, env and cwd changed, rolls"),
        ({"routes": (Route("b"), Route("a"))}, "web: routes reordered"),
        ({"routes": (Route("a"),)}, "web: route b removed"),
        ({"routes": (*WEB.routes, Route("c", "/d"))}, "web: route c/d added"),
        ({"routes": (Route("a", strip=True), Route("b"))}, "web: route a changed"),
        ({"endpoints": (FixedEndpoint("h", 1),)}, "web: endpoint h:1 added"),
        ({"traffic": Traffic(Balance.HASH)}, "web: balance p2c -> hash"),
        ({"traffic": Traffic(stream=True)}, "web: stream false -> true"),
        ({"traffic": Traffic(sticky="c")}, "web: sticky none -> c"),
        ({"health": HealthCheck(kind=CheckKind.HTTP)}, "web: health.kind tcp -> http"),
        ({"health": HealthCheck(statuses=(200,))}, "web: health.statuses changed"),
        ({"roll": Roll(2)}, "web: roll.surge 1 -> 2"),
        ({"drain_timeout": 0.5}, "web: drain_timeout 30s -> 0.5s"),
    ],
)
def test_one_change_of_a_service(changes: dict[str, object], line: str) -> None:
    assert _after(**changes) == [line]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": "b"}, "cluster: fairlead -> b"),
        ({"platform": "docker"}, "platform: process -> docker"),
        ({"ports": (1, 2)}, "ports: 20000-29999 -> 1-2 for new endpoints"),
        ({"front": Front(listen=("0.0.0.0:80",))}, "listen changed: nginx reloads once"),
        (
            {"front": Front(workers=2, access_log=True)},
            "workers and access_log changed: nginx reloads once",
        ),
    ],
)
def test_one_change_of_the_cluster(changes: dict[str, object], line: str) -> None:
    assert describe(OLD, replace(OLD, **changes)) == [line]


def test_values_of_the_environment_stay_secret() -> None:
    assert "secret" not in str(_after(env=(("KEY", "secret"),)))
