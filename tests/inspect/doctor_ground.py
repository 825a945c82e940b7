"""A set-up in small pieces, which the doctor's tests put together and change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fairlead.core.doctor.examine import examine
from fairlead.core.doctor.finding import Report
from fairlead.inspect.read import read

CLUSTER = 'resource "aws_ecs_cluster" "shop" {\n  name = "shop"\n}\n'


def nodes(
    count: int = 2, kind: str = "t3.micro", group: str = "aws_security_group.nodes.id"
) -> str:
    return f"""
resource "aws_instance" "node" {{
  count                  = {count}
  ami                    = "ami-1"
  instance_type          = "{kind}"
  vpc_security_group_ids = [{group}]
  user_data              = "echo ECS_CLUSTER=${{aws_ecs_cluster.shop.name}} >> /etc/ecs/ecs.config"
}}
"""


def security(first: int = 32768, last: int = 60999) -> str:
    return f"""
resource "aws_security_group" "balancer" {{
  name = "balancer"
}}

resource "aws_security_group" "nodes" {{
  name = "nodes"
  ingress {{
    from_port       = {first}
    to_port         = {last}
    protocol        = "tcp"
    security_groups = [aws_security_group.balancer.id]
  }}
}}
"""


def task(
    name: str = "catalog",
    port: str = "0",
    mode: str = "bridge",
    container: str = "",
    volume: str = "",
    memory: int = 128,
) -> str:
    return f"""
resource "aws_ecs_task_definition" "{name}" {{
  family       = "{name}"
  network_mode = "{mode}"
  container_definitions = jsonencode([
    {{
      name              = "{name}"
      image             = "registry.example.com/{name}:1"
      memoryReservation = {memory}
      healthCheck       = {{ command = ["CMD-SHELL", "curl -f localhost:8080/health"] }}
      portMappings = [
        {{
          containerPort = 8080
          hostPort      = {port}
        }}
      ]
      {container}
    }}
  ])
  {volume}
}}
"""


def service(name: str = "catalog", more: str = "", count: str = "1") -> str:
    return f"""
resource "aws_ecs_service" "{name}" {{
  name            = "{name}"
  cluster         = aws_ecs_cluster.shop.id
  task_definition = aws_ecs_task_definition.{name}.arn
  desired_count   = {count}
  {more}
}}
"""


def group(kind: str = "instance") -> str:
    return f"""
resource "aws_lb_target_group" "catalog" {{
  name        = "catalog"
  port        = 8080
  protocol    = "HTTP"
  target_type = "{kind}"
  vpc_id      = "vpc-1"
}}
"""


BALANCED = """load_balancer {
    target_group_arn = aws_lb_target_group.catalog.arn
    container_name   = "catalog"
    container_port   = 8080
  }"""


def put(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def looked(folder: Path, files: Mapping[str, str]) -> Report:
    return examine(read([put(folder, files)]))


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings}
