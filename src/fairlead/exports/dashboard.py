"""A CloudWatch dashboard of the services, as `aws cloudwatch put-dashboard` takes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, COLUMNS = 12, 6, 24
_METRICS = (
    ("CPU of the reservation", "CPUUtilization"),
    ("Memory of the reservation", "MemoryUtilization"),
)


def dashboard(cluster: str, services: Sequence[str], region: str) -> dict[str, Any]:
    """Its body: CPU and memory of the cluster's nodes, and of each service."""
    widgets = [_of_cluster(cluster, region, *metric) for metric in _METRICS]
    widgets += [_of_services(cluster, services, region, *metric) for metric in _METRICS]
    return {"widgets": [_placed(number, each) for number, each in enumerate(widgets)]}


def as_cloudformation(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """A template with the dashboard as its only resource."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Dashboard {name}",
        "Resources": {
            "Dashboard": {
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": {"DashboardName": name, "DashboardBody": json.dumps(body)},
            }
        },
    }


def _of_cluster(cluster: str, region: str, title: str, metric: str) -> dict[str, Any]:
    line = ["AWS/ECS", metric, "ClusterName", cluster]
    return _lines(f"{title}, {cluster}", region, [line])


def _of_services(
    cluster: str, services: Sequence[str], region: str, title: str, metric: str
) -> dict[str, Any]:
    lines: list[list[Any]] = [
        ["AWS/ECS", metric, "ClusterName", cluster, "ServiceName", name, {"label": name}]
        for name in services
    ]
    return _lines(f"{title}, each service", region, lines)


def _lines(title: str, region: str, metrics: Sequence[Any]) -> dict[str, Any]:
    properties = {
        "title": title,
        "region": region,
        "metrics": list(metrics),
        "stat": "Average",
        "period": 60,
        "view": "timeSeries",
        "yAxis": {"left": {"min": 0, "label": "%", "showUnits": False}},
    }
    return {"type": "metric", "properties": properties}


def _placed(number: int, widget: dict[str, Any]) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS // WIDTH)
    place = {"x": column * WIDTH, "y": row * HEIGHT, "width": WIDTH, "height": HEIGHT}
    return {**widget, **place}
