"""How a service's tasks are spread or packed, in each form that files have for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairlead.inspect.read import read

TERRAFORM = """
variable "by" { type = string }
resource "aws_ecs_service" "a" {
  name = "a"
  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }
  ordered_placement_strategy {
    type  = "binpack"
    field = "memory"
  }
}
resource "aws_ecs_service" "b" {
  name = "b"
  ordered_placement_strategy {
    type  = "binpack"
    field = var.by
  }
}
resource "aws_ecs_service" "c" { name = "c" }
"""
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  A:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: a
      TaskDefinition: a:1
      PlacementStrategies:
        - {Type: spread, Field: instanceId}
        - {Type: random}
"""
SERVICE = {
    "serviceName": "a",
    "taskDefinition": "a:1",
    "desiredCount": 1,
    "placementStrategy": [{"type": "binpack", "field": "cpu"}],
}


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        (
            "main.tf",
            TERRAFORM,
            {
                "a": (("spread", "attribute:ecs.availability-zone"), ("binpack", "memory")),
                "b": (("", ""),),
                "c": (),
            },
        ),
        ("stack.yaml", TEMPLATE, {"a": (("spread", "instanceId"), ("random", ""))}),
        ("service.json", json.dumps(SERVICE), {"a": (("binpack", "cpu"),)}),
    ],
)
def test_strategies(
    tmp_path: Path, name: str, text: str, wanted: dict[str, tuple[tuple[str, str], ...]]
) -> None:
    (tmp_path / name).write_text(text)
    found = {each.name: each.strategies for each in read([tmp_path]).services}
    assert found == wanted
