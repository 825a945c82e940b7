from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

TASK = """
resource "aws_ecs_task_definition" "catalog" {
  family                = "shop-catalog"
  network_mode          = "bridge"
  container_definitions = jsonencode([{
    name = "catalog", image = "catalog:1", memory = 256
    portMappings = [{ containerPort = 8080, hostPort = 8083 }]
  }])
}
resource "aws_ecs_service" "catalog" {
  name            = "shop-catalog"
  task_definition = aws_ecs_task_definition.catalog.arn
  desired_count   = 1
}
"""
NGINX = """
server {
  listen 80;
  server_name catalog.example.com;
  location / { proxy_pass http://localhost:8083; }
}
"""
SCRIPT = """#!/bin/bash
TASK=$(aws ecs list-tasks --service-name "$SERVICE" --query 'taskArns[0]' --output text)
aws route53 change-resource-record-sets --hosted-zone-id "$ZONE" --change-batch file://change.json
"""
NODES = ("--nodes", "2", "--instance-type", "t3.micro")
SETTINGS = """
cluster: shop
platform: ecs
services:
  catalog: {service: shop-catalog, routes: [catalog.example.com]}
"""


@pytest.fixture
def shop(state: Path) -> Path:
    """The directory that the command is run in: a set-up that was made for one copy."""
    folder = state.parent
    (folder / "main.tf").write_text(TASK)
    (folder / "services.conf").write_text(NGINX)
    (folder / "dns.sh").write_text(SCRIPT)
    return folder


def test_one_node_is_a_port_conflict(fairlead: Any, shop: Path) -> None:
    result = fairlead("whatif", "catalog=2", "--nodes", "1", "--instance-type", "t3.micro")
    assert result.status == 0
    assert "✗ 1 of shop-catalog pending: is already using a port required by yo" in result.out
    whole = " ".join(result.out.split())
    assert "(service shop-catalog) was unable to place a task because no container" in whole
    assert "catalog.example.com (DNS names the node of one task): shop-catalog-1 100 %" in whole


def test_two_nodes_and_dns_that_reaches_one(fairlead: Any, shop: Path) -> None:
    result = fairlead("whatif", str(shop), "catalog=2", *NODES)
    whole = " ".join(result.out.split())
    assert "shop-catalog-1 8083 → 8080 100 % │" in whole
    assert "shop-catalog-2 8083 → 8080 0 %, unreached │" in whole
    assert "shop-catalog-1 100 %, shop-catalog-2 0 %; 0 % fail" in whole
    assert "With fairlead (dynamic ports) catalog.example.com: shop-catalog-1 50 %" in whole


@pytest.mark.parametrize("width", [40, 60, 77, 100, 200])
def test_no_line_is_wider_than_the_terminal(
    fairlead: Any, shop: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = fairlead("whatif", "catalog=5", "--nodes", "3", "--instance-type", "t3.micro")
    assert result.status == 0
    assert max(map(len, result.out.splitlines())) <= max(60, min(width, 120))


def test_json(fairlead: Any, shop: Path) -> None:
    told = json.loads(fairlead("whatif", "catalog=2", *NODES, "--json").out)
    assert told["tasks"] == [
        {"name": "shop-catalog-1", "service": "shop-catalog", "node": "node-1"},
        {"name": "shop-catalog-2", "service": "shop-catalog", "node": "node-2"},
    ]
    (requests,) = told["requests"]
    assert (requests["dns"], requests["shares"]) == ("first", {"shop-catalog-1": 1.0})
    assert [each["task"] for each in told["unreached"]] == ["shop-catalog-2"]
    assert told["pending"] == []
    one = json.loads(
        fairlead("whatif", "catalog=2", "--nodes=1", "--instance-type=t3.micro", "--json").out
    )
    assert [(p["service"], p["count"], p["code"]) for p in one["pending"]] == [
        ("shop-catalog", 1, "RESOURCE:PORTS")
    ]


@pytest.mark.parametrize("strategy", ["dynamic", "alb"])
def test_a_strategy_shares_evenly(fairlead: Any, shop: Path, strategy: str) -> None:
    told = json.loads(fairlead("whatif", "catalog=2", *NODES, "--strategy", strategy, "--json").out)
    shares = {"shop-catalog-1": 0.5, "shop-catalog-2": 0.5}
    assert [each["shares"] for each in told["requests"]] == [shares]
    nodes = [each for each in told["losses"] if each["kind"] == "node"]
    assert {f["failing"] for each in nodes for f in each["afterwards"]} == {0.0}


@pytest.mark.parametrize("name", ["shop-catalog", "a<b>&'c", "]]><svg>"])
def test_the_picture_is_xml_whatever_is_in_names(fairlead: Any, shop: Path, name: str) -> None:
    (shop / "main.tf").write_text(TASK.replace('"shop-catalog"', f'"{name}"'))
    result = fairlead("whatif", f"{name}=2", "--svg", "out.svg", "--nodes=1", "--node-memory=900")
    assert result.status == 0, result.err
    root = ET.parse(shop / "out.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert f"{name}-1" in texts
    assert "catalog.example.com" in texts
    assert any(text.startswith(f"1 of {name} pending") for text in texts)


def test_fairleads_own_settings_lead_where_they_route(fairlead: Any, shop: Path) -> None:
    (shop / "fairlead.yaml").write_text(SETTINGS)
    told = json.loads(fairlead("whatif", "catalog=2", *NODES, "--json").out)
    (requests,) = told["requests"]
    assert requests["dns"] == "serving"
    assert requests["shares"] == {"shop-catalog-1": 0.5, "shop-catalog-2": 0.5}


def test_of_settings_alone(fairlead: Any, state: Path) -> None:
    (state.parent / "fairlead.yaml").write_text(SETTINGS)
    for path in ((), (".",), ("fairlead.yaml",)):
        told = json.loads(fairlead("whatif", *path, "catalog=3", "--nodes", "2", "--json").out)
        assert [each["node"] for each in told["tasks"]] == ["node-1", "node-2", "node-1"]
        assert any("--memory" in each for each in told["assumed"])
    short = fairlead(
        "whatif", "catalog=3", "--nodes=1", "--node-memory=700", "--memory=catalog=300"
    )
    assert "has insufficient memory available" in " ".join(short.out.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give SERVICE=N, as catalog=2"),
        (("catalog=two",), "catalog=two: expected a whole number from 0 to 200"),
        (("catalog=-1",), "expected a whole number"),
        (("catalog=201",), "expected a whole number"),
        (("catalog=",), "expected a whole number"),
        (("catalog=2", "catalog=3"), "catalog is given twice"),
        (("nowhere", "catalog=2"), "nowhere"),
        (("catlog=2", *NODES), "did you mean"),
        (("catalog=2",), "give --nodes N"),
        (("catalog=2", "--nodes", "2"), "give --instance-type t3.micro"),
        (("catalog=2", "--nodes", "2", "--instance-type", "z1.odd"), "--node-memory MIB"),
        (("catalog=2", *NODES, "--memory", "catalog"), "expected SERVICE=MIB"),
        (("catalog=2", *NODES, "--svg", "no/such/place.svg"), "cannot write no/such/place.svg"),
    ],
)
def test_what_cannot_be_used_is_said(
    fairlead: Any, shop: Path, words: tuple[str, ...], told: str
) -> None:
    result = fairlead("whatif", *words)
    assert result.status == 2
    assert told in result.err
    assert result.out == ""


def test_where_there_is_nothing(fairlead: Any, state: Path) -> None:
    result = fairlead("whatif", "catalog=2")
    assert result.status == 2
    assert "no service was found in ." in result.err


COMPOSE = """
services:
  web: {image: "nginx:1", ports: ["80:80"]}
  catalog: {image: "catalog:1", ports: ["8083:8080"]}
  search: {image: "search:1"}
"""
BEFORE = """
events {}
http {
  server { listen 80; server_name search.localhost; location / { proxy_pass http://search:8080; } }
}
"""


def test_compose_speaks_as_docker_does(fairlead: Any, state: Path) -> None:
    (state.parent / "compose.yaml").write_text(COMPOSE)
    (state.parent / "nginx.conf").write_text(BEFORE)
    taken = json.loads(fairlead("whatif", "catalog=2", "--json").out)
    message = "Bind for 0.0.0.0:8083 failed: port is already allocated"
    assert [(p["count"], p["message"]) for p in taken["pending"]] == [(1, message)]
    assert taken["deploys"] == []
    late = json.loads(fairlead("whatif", "search=2", "--json").out)
    assert [each["task"] for each in late["unreached"]] == ["search-2"]
    assert "reloaded" in late["unreached"][0]["why"]
