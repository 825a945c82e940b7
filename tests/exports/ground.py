"""Settings to export from, one of each platform."""

from __future__ import annotations

from pathlib import Path

from fairlead.core.model import Cluster
from fairlead.exports.parts import Given, Part, parts_of
from fairlead.settings import parse

ECS = """
cluster: shop
platform: ecs
ecs: {region: eu-west-1, cluster: shop-ecs}
services:
  catalog:
    service: shop-catalog
    routes: [catalog.example.com, www.example.com]
    health: {path: /actuator/health}
  api: {service: shop-api, routes: [www.example.com/api]}
"""
FIXED = """
cluster: shop
services:
  catalog:
    endpoints: ["10.0.1.100:8083", "10.0.1.101:8083"]
    routes: [catalog.example.com]
  alerts: {run: [alerts, "{port}"], routes: [alerts.example.com]}
"""
GIVEN = Given(
    image={"catalog": "catalog:1", "api": "api:2"},
    port={"catalog": 8080, "api": 8081},
    memory={"catalog": 384, "api": 128},
)
PORTS = {"catalog": (8083, 8086), "api": (8084, 8087)}


def cluster(text: str = ECS) -> Cluster:
    return parse(text, "fairlead.yaml", Path("/srv"))


def parts(text: str = ECS, given: Given = GIVEN) -> tuple[Part, ...]:
    return parts_of(cluster(text), given)
