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
from fairlead.core.scaling.policy import (
    Metric,
    Objective,
    Pace,
    Scale,
    Schedule,
    Source,
    Target,
)

QUEUE = Target("queue", Metric(Source.HTTP, url="http://h/"), 100.0)
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


SCALED = replace(
    WEB,
    scale=Scale(
        targets=(Target("cpu", Metric(Source.CPU), 0.6), QUEUE),
        schedules=(Schedule("0 8 * * *", 36000.0, "Europe/Berlin", min=3),),
    ),
)


def _rescaled(replicas: int = 1, **changes: object) -> list[str]:
    after = replace(SCALED, scale=replace(SCALED.scale, **changes), replicas=replicas)
    return describe(replace(OLD, services=(SCALED,)), replace(OLD, services=(after,)))


def test_a_service_is_scaled_from_now_on_or_no_more() -> None:
    lines = _after(scale=Scale(2, 8, targets=(Target("cpu", Metric(Source.CPU), 0.6),)), replicas=2)
    assert lines == ["web: scaled: 2 to 8 by p95 <= 250ms and cpu 60%"]
    without = describe(replace(OLD, services=(SCALED,)), replace(OLD, services=(WEB,)))
    assert without == ["web: not scaled any more"]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, []),
        ({"replicas": 3}, ["first count 1 -> 3"]),
        ({"min": 2, "replicas": 2}, ["scale.min 1 -> 2"]),
        (
            {"max": 20, "predictive": False},
            ["scale.max 10 -> 20", "scale.predictive true -> false"],
        ),
        ({"objective": Objective(1.5, 0.001)}, ["scale.objective p95 <= 250ms -> p99.9 <= 1.5s"]),
        ({"objective": None}, ["scale.objective p95 <= 250ms -> none"]),
        ({"capacity": 50.0}, ["scale.capacity learned -> 50"]),
        ({"keep_alive": 900.0}, ["scale.keep_alive learned -> 900s"]),
        (
            {"out": Pace(4, 50.0)},
            ["scale.out.most unbound -> 4", "scale.out.percent unbound -> 50%"],
        ),
        ({"inward": Pace()}, ["scale.in.stabilisation 180s -> 0s"]),
        ({"targets": (QUEUE,)}, ["scale.targets.cpu 60% -> none"]),
        (
            {"targets": (Target("cpu", Metric(Source.CPU), 0.7), replace(QUEUE, value=5.0))},
            ["scale.targets.cpu 60% -> 70%", "scale.targets.queue 100 -> 5"],
        ),
        (
            {
                "targets": (
                    *SCALED.scale.targets[:1],
                    replace(QUEUE, metric=Metric(Source.HTTP, url="http://other/")),
                    Target("latency", Metric(Source.LATENCY, percentile=0.9), 0.2),
                )
            },
            ["scale.targets.queue changed", "scale.targets.latency none -> p90 <= 200ms"],
        ),
        (
            {"schedules": (Schedule("0 8 * * *", 36000.0, "Europe/Berlin", min=4, max=5),)},
            [
                "scale.schedules[0] 0 8 * * * Europe/Berlin: min 3 for 36000s -> "
                "0 8 * * * Europe/Berlin: min 4, max 5 for 36000s"
            ],
        ),
    ],
)
def test_a_changed_scale(changes: dict[str, object], lines: list[str]) -> None:
    assert _rescaled(**changes) == [f"web: {line}" for line in lines]


def test_values_of_the_environment_stay_secret() -> None:
    assert "secret" not in str(_after(env=(("KEY", "secret"),)))
