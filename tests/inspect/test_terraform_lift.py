"""What Terraform sets up, and where each value of it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.core.setup import Setup
from fairlead.inspect.read import read
from tests.inspect.terraform_ground import setup_of, written
from tests.inspect.terraform_texts import SHOP, SHOP_MODULE


@pytest.fixture
def shop(tmp_path: Path) -> Setup:
    return setup_of(tmp_path, main_tf=SHOP, service__main_tf=SHOP_MODULE)


def test_services_are_linked_to_what_they_run(shop: Setup) -> None:
    assert [(s.name, s.desired.value, s.ignored) for s in shop.services] == [
        ("shop-catalog", 2, True),
        ("shop-alerts", 1, True),
    ]
    catalog = shop.services[0]
    task = shop.task_of(catalog)
    assert task is not None
    assert (task.family, task.network_mode.value) == ("catalog", "bridge")
    assert task.fargate.value is False
    assert (task.whole, catalog.cluster) == (True, "aws_ecs_cluster.shop")


def test_a_port_in_a_heredoc_leads_back_to_the_variable_s_default(shop: Setup) -> None:
    (container,) = shop.tasks[0].containers
    (port,) = container.ports
    assert (port.container.value, port.host.value) == (8080, 8083)
    steps = [(Path(at.file).parent.name == "service", at.line) for at in port.host.origin]
    use = SHOP_MODULE.split("\n").index('      { "containerPort": 8080, "hostPort": ${var.port} }')
    default = SHOP.split("\n").index("    catalog = { port = 8083, copies = 2 }")
    assert steps[0] == (True, use + 1)
    assert steps[-1] == (False, default + 1)
    assert container.mounts[0].kind == "host"
    assert container.mounts[0].source == "/srv/catalog"


def test_nodes_have_the_type_count_and_cluster_of_their_template(shop: Setup) -> None:
    front, node = shop.nodes
    assert (node.instance_type.value, node.desired.value, node.maximum.value) == ("t3.micro", 2, 3)
    assert node.cluster == "aws_ecs_cluster.shop"
    assert (node.security_groups, node.whole) == (("aws_security_group.node",), True)
    assert "catalog 8083" in node.user_data
    assert (front.desired.value, front.cluster, front.whole) == (1, "", False)


def test_dynamic_blocks_are_rules_like_all_others(shop: Setup) -> None:
    (group,) = shop.groups
    rules = {(r.first.value, r.last.value, r.source) for r in group.ingress}
    assert rules == {
        (443, 443, "self"),
        (8083, 8083, "10.0.0.0/16"),
        (8084, 8084, "10.0.0.0/16"),
    }
    assert group.whole


def test_a_record_names_the_instance_behind_an_elastic_address(shop: Setup) -> None:
    (record,) = shop.records
    assert (record.name, record.type, record.ttl.value) == ("catalog.example.com", "A", 300)
    assert (record.nodes, record.whole, record.alias) == (("aws_instance.front",), True, False)


def test_nothing_of_it_is_unknown(shop: Setup) -> None:
    assert shop.unknown == ()


def test_a_variable_without_a_value_leaves_its_uses_unknown(tmp_path: Path) -> None:
    text = """\
    variable "services" { type = map(number) }
    variable "copies" {}
    variable "definition" {}
    resource "aws_ecs_service" "one" {
      name          = "one"
      desired_count = var.copies
    }
    resource "aws_ecs_service" "each" {
      for_each = var.services
      name     = each.key
    }
    resource "aws_ecs_task_definition" "one" {
      family                = "one"
      container_definitions = var.definition
    }
    """
    setup = setup_of(tmp_path, main_tf=text)
    one, each = setup.services
    assert one.desired.unknown == "the variable copies has no value"
    assert [at.line for at in one.desired.origin] == [6, 2]
    assert each.name == "${var_services}"
    assert {(u.what, u.at.line) for u in setup.unknown} == {
        ("aws_ecs_service.each", 8),
        ("aws_ecs_task_definition.one container_definitions", 14),
    }
    assert not setup.tasks[0].whole


def test_what_surrounds_an_unknown_part_of_a_definition_is_known(tmp_path: Path) -> None:
    text = """\
    resource "aws_ecr_repository" "web" { name = "web" }
    variable "port" {}
    resource "aws_ecs_task_definition" "web" {
      family                = "web"
      container_definitions = <<EOF
    [{"name": "web", "image": "${aws_ecr_repository.web.repository_url}:1",
      "memory": 300, "portMappings": [
        {"containerPort": ${var.port}, "hostPort": 80}
    ]}]
    EOF
    }
    """
    (task,) = setup_of(tmp_path, main_tf=text).tasks
    (container,) = task.containers
    assert (container.memory.value, container.image.value) == (300, None)
    assert container.image.unknown
    (port,) = container.ports
    assert port.container.unknown == "the variable port has no value"
    assert (port.host.value, port.host.origin[0].line) == (80, 8)


@pytest.mark.parametrize(
    "template",
    [
        '[{"name": "a", "portMappings": [{"hostPort": ${port}}]}]',
        '[{"name": "a", "portMappings": [\n{"hostPort": ${port}},]}]',
        '[%{ for n in [1] }{"name": "a",\n"portMappings": [{"hostPort": ${port}}]}%{ endfor }]',
    ],
)
@pytest.mark.parametrize(
    "definition",
    [
        'templatefile("t.json", { port = 81 })',
        'templatefile("${path.module}/t.json", merge({}, { port = 81 }))',
        '"${data.template_file.old.rendered}"',
    ],
)
def test_definitions_come_from_templates(tmp_path: Path, template: str, definition: str) -> None:
    text = f"""\
    data "template_file" "old" {{
      template = "${{file("${{path.module}}/t.json")}}"
      vars {{
        port = "81"
      }}
    }}
    resource "aws_ecs_task_definition" "a" {{
      container_definitions = {definition}
    }}
    """
    setup = setup_of(tmp_path, main_tf=text, **{"t.json": template})
    (task,) = setup.tasks  # and none for the file that is a template
    fact = task.containers[0].ports[0].host
    assert fact.value == 81
    assert fact.origin[0].file.endswith("t.json")
    assert fact.origin[0].line == template.split("${port}", maxsplit=1)[0].count("\n") + 1


def test_launch_types_come_from_capacity_providers_too(tmp_path: Path) -> None:
    text = """\
    resource "aws_ecs_cluster" "a" { name = "a" }
    resource "aws_ecs_cluster_capacity_providers" "a" {
      cluster_name = aws_ecs_cluster.a.name
      default_capacity_provider_strategy {
        capacity_provider = "FARGATE_SPOT"
      }
    }
    resource "aws_ecs_capacity_provider" "own" {
      name = "own"
      auto_scaling_group_provider {
        auto_scaling_group_arn = aws_autoscaling_group.own.arn
      }
    }
    resource "aws_autoscaling_group" "own" {
      min_size = 1
      max_size = 2
    }
    resource "aws_ecs_cluster_capacity_providers" "b" {
      cluster_name       = "b"
      capacity_providers = [aws_ecs_capacity_provider.own.name]
    }
    resource "aws_ecs_service" "by_cluster" {
      name    = "by-cluster"
      cluster = aws_ecs_cluster.a.id
    }
    resource "aws_ecs_service" "by_strategy" {
      name    = "by-strategy"
      cluster = aws_ecs_cluster.a.id
      capacity_provider_strategy {
        capacity_provider = aws_ecs_capacity_provider.own.name
      }
    }
    resource "aws_ecs_service" "not_said" {
      name    = "not-said"
      cluster = "b"
    }
    """
    setup = setup_of(tmp_path, main_tf=text)
    launched = {service.name: service.launch_type.value for service in setup.services}
    assert launched == {"by-cluster": "FARGATE", "by-strategy": "EC2", "not-said": None}
    assert [(node.cluster, node.desired.value) for node in setup.nodes] == [("b", 1)]


@pytest.mark.parametrize(
    ("resource_id", "scaled"),
    [
        ('"service/a/${aws_ecs_service.web.name}"', True),
        ('"service/${var.lost}/${aws_ecs_service.web.name}"', True),
        ('"service/a/web"', True),
        ('"service/a/other"', False),
    ],
)
def test_a_service_may_be_scaled_by_itself(tmp_path: Path, resource_id: str, scaled: bool) -> None:
    text = f"""\
    variable "lost" {{}}
    resource "aws_ecs_service" "web" {{
      name = "web"
    }}
    resource "aws_appautoscaling_target" "web" {{
      resource_id = {resource_id}
    }}
    """
    assert setup_of(tmp_path, main_tf=text).services[0].scaled is scaled


def test_rules_of_security_groups_are_gathered_from_everywhere(tmp_path: Path) -> None:
    text = """\
    resource "aws_security_group" "node" {
      ingress = [{
        from_port = 22, to_port = 22, protocol = "TCP", cidr_blocks = ["10.0.0.0/8"],
        security_groups = [], self = false
      }]
    }
    resource "aws_security_group" "lb" {}
    resource "aws_security_group_rule" "dynamic" {
      type                     = "ingress"
      security_group_id        = aws_security_group.node.id
      source_security_group_id = aws_security_group.lb.id
      from_port                = 32768
      to_port                  = 65535
      protocol                 = "tcp"
    }
    resource "aws_security_group_rule" "out" {
      type              = "egress"
      security_group_id = aws_security_group.node.id
      from_port         = 1
      to_port           = 2
      protocol          = "tcp"
      cidr_blocks       = ["0.0.0.0/0"]
    }
    resource "aws_vpc_security_group_ingress_rule" "all" {
      security_group_id = aws_security_group.lb.id
      ip_protocol       = "-1"
      cidr_ipv4         = var.lost
    }
    """
    node, lb = setup_of(tmp_path, main_tf=text).groups
    assert [(r.first.value, r.last.value, r.protocol, r.source) for r in node.ingress] == [
        (22, 22, "tcp", "10.0.0.0/8"),
        (32768, 65535, "tcp", "aws_security_group.lb"),
    ]
    assert node.whole
    assert [(r.first.value, r.last.value, r.protocol) for r in lb.ingress] == [(0, 65535, "-1")]
    assert not lb.whole


@pytest.mark.parametrize(
    ("records", "nodes", "addresses", "whole"),
    [
        ("[aws_instance.a[0].public_ip]", ("aws_instance.a[0]",), (), True),
        ("aws_instance.a[*].private_ip", ("aws_instance.a[0]", "aws_instance.a[1]"), (), True),
        ('["10.0.0.1", "10.0.0.2"]', (), ("10.0.0.1", "10.0.0.2"), True),
        ('["10.0.0.1", var.lost]', (), ("10.0.0.1",), False),
        ("var.lost", (), (), False),
    ],
)
def test_records_say_what_they_answer(
    tmp_path: Path, records: str, nodes: tuple[str, ...], addresses: tuple[str, ...], whole: bool
) -> None:
    text = f"""\
    variable "lost" {{}}
    resource "aws_instance" "a" {{
      count = 2
    }}
    resource "aws_route53_record" "r" {{
      name    = "a.example.com"
      type    = "A"
      ttl     = "60"
      records = {records}
    }}
    """
    (record,) = setup_of(tmp_path, main_tf=text).records
    assert (record.nodes, record.addresses, record.whole) == (nodes, addresses, whole)


def test_texts_within_resources_keep_their_lines(tmp_path: Path) -> None:
    text = """\
    resource "aws_instance" "a" {
      user_data = <<-EOT
        #!/bin/bash
        cat > /etc/nginx/conf.d/web.conf <<'CONF'
        server {
          listen 80;
          location / {
            proxy_pass http://localhost:8083;
          }
        }
        CONF
      EOT
    }
    resource "null_resource" "dns" {
      provisioner "local-exec" {
        command = <<-EOT
          aws ecs list-tasks --cluster shop \\
            --query 'taskArns[0]'
        EOT
      }
    }
    """
    setup = setup_of(tmp_path, main_tf=text)
    assert [(p.servers, p.at.line) for p in setup.proxies] == [(("localhost:8083",), 8)]
    assert [(c.operation, c.options["query"], c.at.line) for c in setup.calls] == [
        ("list-tasks", "taskArns[0]", 17)
    ]


def test_modules_of_elsewhere_are_said_to_be_unknown(tmp_path: Path) -> None:
    text = """\
    module "vpc" {
      source = "terraform-aws-modules/vpc/aws"
    }
    resource "aws_instance" "a" {
      vpc_security_group_ids = [module.vpc.default_security_group_id]
    }
    """
    setup = setup_of(tmp_path, main_tf=text)
    assert [(u.what, u.at.line) for u in setup.unknown] == [("module.vpc", 1)]
    assert (setup.nodes[0].security_groups, setup.nodes[0].whole) == ((), False)


def test_root_modules_are_apart_and_called_ones_are_read_through_their_callers(
    tmp_path: Path,
) -> None:
    inner = 'variable "n" {}\nresource "aws_ecs_service" "s" {\n  name = var.n\n}\n'
    caller = 'module "m" {{\n  source = "../../modules/m"\n  n = "{0}"\n}}\n'
    setup = setup_of(
        tmp_path,
        modules__m__main_tf=inner,
        env__dev__main_tf=caller.format("dev"),
        env__prod__main_tf=caller.format("prod"),
    )
    assert [service.name for service in setup.services] == ["dev", "prod"]
    assert len({service.key for service in setup.services}) == 2


def test_a_file_of_variables_applies_where_it_is_named(tmp_path: Path) -> None:
    text = 'variable "n" {}\nresource "aws_ecs_service" "s" {\n  desired_count = var.n\n}\n'
    folder = written(tmp_path, main_tf=text, **{"env/prod.tfvars": "n = 3\n"})
    assert read([folder]).services[0].desired.unknown
    (service,) = read([folder, folder / "env" / "prod.tfvars"]).services
    assert (service.desired.value, service.desired.origin[-1].line) == (3, 1)


def test_a_name_that_is_partly_unknown_shows_what_it_is_made_of(tmp_path: Path) -> None:
    text = """\
    variable "stage" {}
    resource "aws_ecs_service" "web" {
      name = "web-${var.stage}"
    }
    resource "aws_ecs_service" "api" {
      name = join("-", ["api", var.stage])
    }
    """
    names = [service.name for service in setup_of(tmp_path, main_tf=text).services]
    assert names == ["web-${var_stage}", "api-${var_stage}"]


@pytest.mark.parametrize(
    ("joined", "cluster"),
    [
        ("${var.stage}-shop", "aws_ecs_cluster.shop"),
        ("${aws_ecs_cluster.shop.name}", "aws_ecs_cluster.shop"),
        ("${var.stage}-other", ""),
        ("${terraform.workspace}-shop", ""),
        ("${var.names.front}", "aws_ecs_cluster.front"),
        ("${var.names.other}", ""),
        ("${var.other}-shop", ""),
        ("plain", "plain"),
    ],
)
def test_names_of_the_same_unknown_parts_are_the_same(
    tmp_path: Path, joined: str, cluster: str
) -> None:
    text = f"""\
    variable "stage" {{}}
    variable "other" {{}}
    variable "names" {{}}
    resource "aws_ecs_cluster" "front" {{
      name = var.names.front
    }}
    resource "aws_ecs_cluster" "shop" {{
      name = "${{var.stage}}-shop"
    }}
    resource "aws_instance" "node" {{
      user_data = <<-EOT
        #!/bin/bash
        echo ECS_CLUSTER={joined} >> /etc/ecs/ecs.config
      EOT
    }}
    resource "aws_ecs_service" "web" {{
      name    = "web"
      cluster = "{joined}"
    }}
    """
    setup = setup_of(tmp_path, main_tf=text)
    assert (setup.nodes[0].cluster, setup.services[0].cluster) == (cluster, cluster)


def test_a_module_may_be_named_without_a_dot_as_it_once_was(tmp_path: Path) -> None:
    text = 'module "m" {\n  source = "modules/m"\n  n = "web"\n}\n'
    inner = 'variable "n" {}\nresource "aws_ecs_service" "s" {\n  name = "${var.n}"\n}\n'
    setup = setup_of(tmp_path, main_tf=text, modules__m__main_tf=inner)
    assert [service.name for service in setup.services] == ["web"]
    assert setup.unknown == ()


@pytest.mark.parametrize(
    "definitions",
    [
        'format("[%s]", local.one)',
        'format("[%s]", join(",", [local.one]))',
        '"[${trimspace(local.one)}]"',
        "jsonencode([jsondecode(local.one)])",
    ],
)
def test_parts_of_definitions_stay_known_through_functions(
    tmp_path: Path, definitions: str
) -> None:
    text = f"""\
    variable "image" {{}}
    locals {{
      one = <<-EOT
        {{ "name": "web",
          "image": "${{var.image}}",
          "portMappings": [{{ "hostPort": 80 }}] }}
      EOT
    }}
    resource "aws_ecs_task_definition" "web" {{
      container_definitions = {definitions}
    }}
    """
    (container,) = setup_of(tmp_path, main_tf=text).tasks[0].containers
    assert (container.name, container.image.unknown) == ("web", "the variable image has no value")
    (port,) = container.ports
    assert (port.host.value, port.at.line) == (80, 6)


def test_services_in_a_file_of_their_own_keep_their_lines(tmp_path: Path) -> None:
    text = """\
    locals {
      services = jsondecode(file("${path.module}/services.json"))
    }
    resource "aws_ecs_service" "each" {
      for_each      = { for s in local.services : s.name => s }
      name          = each.key
      desired_count = each.value.copies
    }
    """
    files = {"services.json": '[\n{"name": "web", "copies": 2},\n{"name": "api", "copies": 1}]\n'}
    setup = setup_of(tmp_path, main_tf=text, **files)
    found = {s.name: (s.desired.value, s.desired.origin[-1].line) for s in setup.services}
    assert found == {"web": (2, 2), "api": (1, 3)}
