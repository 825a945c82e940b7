"""Modules of the public registry, which are not in the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.terraform_ground import setup_of

CLUSTER = """\
module "cluster" {
  source       = "terraform-aws-modules/ecs/aws//modules/cluster"
  cluster_name = "shop"

  autoscaling_capacity_providers = {
    own = { auto_scaling_group_arn = module.nodes.autoscaling_group_arn }
  }
}

module "nodes" {
  source           = "terraform-aws-modules/autoscaling/aws"
  instance_type    = "t3.small"
  min_size         = 1
  max_size         = 3
  desired_capacity = 2
  security_groups  = [module.open.security_group_id]
}

module "open" {
  source              = "terraform-aws-modules/security-group/aws"
  ingress_rules       = ["https-443-tcp", "ssh-tcp"]
  ingress_cidr_blocks = ["10.0.0.0/8"]
  ingress_with_cidr_blocks = [
    { from_port = 8080, to_port = 8090, protocol = "tcp", cidr_blocks = "10.1.0.0/16,10.2.0.0/16" },
  ]
}
"""
SERVICE = """\
module "web" {
  source        = "registry.terraform.io/terraform-aws-modules/ecs/aws//modules/service"
  name          = "web"
  cluster_arn   = module.cluster.arn
  network_mode  = "bridge"
  desired_count = 2

  requires_compatibilities = ["EC2"]
  capacity_provider_strategy = {
    own = { capacity_provider = module.cluster.autoscaling_capacity_providers["own"].name }
  }

  container_definitions = {
    app = {
      image         = "web:1"
      port_mappings = [{ containerPort = 8080, hostPort = 80 }]
    }
  }

  load_balancer = {
    web = {
      target_group_arn = module.front.target_groups["web"].arn
      container_name   = "app"
      container_port   = 8080
    }
  }
}

module "front" {
  source        = "terraform-aws-modules/alb/aws"
  target_groups = { web = { port = 80, target_type = "instance" } }
}
"""


def test_a_service_of_the_registry_is_linked_to_all_that_it_uses(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, main_tf=CLUSTER + SERVICE)
    (service,) = setup.services
    task = setup.task_of(service)
    assert task is not None
    assert [(p.container.value, p.host.value) for p in task.containers[0].ports] == [(8080, 80)]
    assert (service.desired.value, service.launch_type.value, service.scaled) == (2, "EC2", True)
    assert service.targets[0].group == setup.target_groups[0].key
    (nodes,) = setup.nodes
    assert service.cluster == nodes.cluster != ""
    assert (nodes.instance_type.value, nodes.desired.value) == ("t3.small", 2)
    assert setup.unknown == ()


def test_named_rules_are_ports(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, main_tf=CLUSTER)
    (group,) = setup.groups
    assert [(r.first.value, r.last.value, r.source) for r in group.ingress] == [
        (443, 443, "10.0.0.0/8"),
        (22, 22, "10.0.0.0/8"),
        (8080, 8090, "10.1.0.0/16"),
        (8080, 8090, "10.2.0.0/16"),
    ]
    assert group.whole
    assert setup.nodes[0].security_groups == (group.key,)


@pytest.mark.parametrize("rules", ['["grafana-tcp"]', "var.lost"])
def test_a_rule_whose_port_is_not_known_leaves_the_group_open(tmp_path: Path, rules: str) -> None:
    text = f"""\
    variable "lost" {{}}
    module "open" {{
      source        = "terraform-aws-modules/security-group/aws"
      ingress_rules = {rules}
    }}
    """
    assert not setup_of(tmp_path, main_tf=text).groups[0].whole


def test_services_given_with_a_cluster(tmp_path: Path) -> None:
    text = """\
    module "ecs" {
      source       = "terraform-aws-modules/ecs/aws"
      cluster_name = "shop"
      services = {
        web = { desired_count = var.lost, container_definitions = { app = { image = "web:1" } } }
        api = { container_definitions = var.lost }
      }
    }
    variable "lost" {}
    """
    setup = setup_of(tmp_path, main_tf=text)
    web, api = setup.services
    assert web.cluster == api.cluster == "module.ecs.aws_ecs_cluster.this"
    assert (web.desired.unknown != "", api.desired.value) == (True, 1)
    assert web.launch_type.value == "FARGATE"
    assert [task.whole for task in setup.tasks] == [True, False]


def test_a_module_that_is_not_known_may_add_rules_to_a_group(tmp_path: Path) -> None:
    text = """\
    resource "aws_security_group" "given" {}
    resource "aws_security_group" "kept" {}
    module "rules" {
      source            = "git::https://git.example.com/rules"
      security_group_id = aws_security_group.given.id
    }
    """
    assert [group.whole for group in setup_of(tmp_path, main_tf=text).groups] == [False, True]


@pytest.mark.parametrize(
    "definitions",
    [
        "module.app.json_map_encoded_list",
        '"[${module.app.json_map_encoded}]"',
        "jsonencode([module.app.json_map_object])",
    ],
)
@pytest.mark.parametrize("image", ['"web:1"', "var.lost"])
def test_a_definition_by_a_module_is_read(tmp_path: Path, definitions: str, image: str) -> None:
    text = f"""\
    variable "lost" {{}}
    module "app" {{
      source           = "cloudposse/ecs-container-definition/aws"
      container_name   = "app"
      container_image  = {image}
      container_memory = 300
      port_mappings    = [{{ containerPort = 8080, hostPort = 80 }}]
    }}
    resource "aws_ecs_cluster" "main" {{ name = "main" }}
    module "task" {{
      source                    = "cloudposse/ecs-alb-service-task/aws"
      name                      = "web"
      container_definition_json = {definitions}
      ecs_cluster_arn           = aws_ecs_cluster.main.arn
      launch_type               = "EC2"
      network_mode              = "bridge"
      desired_count             = 2
    }}
    """
    setup = setup_of(tmp_path, main_tf=text)
    (service,) = setup.services
    task = setup.task_of(service)
    assert task is not None
    assert (task.network_mode.value, task.fargate.value, task.whole) == ("bridge", False, True)
    (container,) = task.containers
    assert (container.name, container.memory.value) == ("app", 300)
    assert [(p.container.value, p.host.value) for p in container.ports] == [(8080, 80)]
    assert (service.desired.value, service.cluster) == (2, "aws_ecs_cluster.main")
    assert setup.unknown == ()
