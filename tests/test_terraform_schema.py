"""The checker itself, on small configurations. What it finds in a real module: tests/deploy."""

from __future__ import annotations

import json

import pytest

from tests.terraform_schema import SCHEMA, problems


def role(inner: str = "") -> str:
    return f'resource "aws_iam_role" "a" {{\n  assume_role_policy = "x"\n{inner}\n}}\n'


def group(inner: str) -> str:
    return f'resource "aws_security_group" "a" {{\n{inner}\n}}\n'


def service(inner: str) -> str:
    return f'resource "aws_ecs_service" "a" {{\n  name = "a"\n{inner}\n}}\n'


def output(value: str) -> str:
    return f'output "a" {{\n  value = {value}\n}}\n'


def dynamic(name: str, inner: str) -> str:
    return f'dynamic "{name}" {{\n  for_each = [1]\n  content {{\n    {inner}\n  }}\n}}\n'


def check(text: str) -> list[str]:
    return problems({"main.tf": text})


@pytest.mark.parametrize(
    "text",
    [
        role('max_session_duration = "3600"'),
        role("max_session_duration = 1 + 2"),
        role("force_detach_policies = true"),
        role('tags = { name = "role.aws_iam_role.nobody.arn" }'),
        role("count = 2") + output("aws_iam_role.a[*].arn"),
        role("lifecycle {\n    ignore_changes = [tags]\n  }"),
        role("path = null"),
        group(dynamic("ingress", "from_port = 1")),
        'locals {\n  zone = data.aws_region.here.name\n}\ndata "aws_region" "here" {}\n'
        + output('"${local.zone}-a"'),
    ],
)
def test_what_is_right_passes(text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (role('unique_id = "x"'), "unique_id can only be read"),
        (role('max_session_duration = "an hour"'), "no number"),
        (role("max_session_duration = true"), "no number"),
        (role("force_detach_policies = 1"), "no bool"),
        (role('managed_policy_arns = "x"'), "no set"),
        (role('tags = ["x"]'), "no map"),
        (role("tags = { a = [1] }"), "tags[a] is no string"),
        (role('tags {\n  a = "b"\n}'), "tags is an attribute, not a block"),
        (role("assume_role_polici = 1"), "(near: assume_role_policy)"),
        (service("desired_count = [1]"), "desired_count is no number"),
        (service('alarms = "x"'), "alarms is a block"),
        (service("alarms {\n  enable = true\n}"), "alarms.alarm_names is required"),
        (service("deployment_controller {}\n" * 2), "deployment_controller may be there once"),
        (group(dynamic("ingres", "from_port = 1")), "ingres is not known (near: ingress)"),
        (group(dynamic("ingress", "port = 1")), "ingress: port is not known"),
        (group(dynamic("tags", "a = 1")), "tags is not known"),
        (group("timeouts {\n  sooner = 1\n}"), "timeouts: sooner is not known"),
        ('resource "aws_lb_listener" "a" {\n  load_balancer_arn = "x"\n}\n',
         "default_action is required"),
        (role() + output('"x${aws_iam_role.a.arm}"'), "no attribute arm"),
        (role() + output("aws_iam_role.a[0].arn"), "it has no count"),
        (role("path = data.aws_region.here.name"), "data.aws_region.here is not declared"),
        (role("path = var.path"), "var.path is not declared"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(text: str, told: str) -> None:
    assert any(told in problem for problem in check(text)), check(text)


def test_what_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"main\.tf cannot be read"):
        check('resource "a" {')


def test_the_schema_is_small_and_says_where_it_comes_from() -> None:
    document = json.loads(SCHEMA.read_text())
    assert "hashicorp/aws" in document["source"]
    assert "MPL-2.0" in document["source"]
    assert SCHEMA.stat().st_size < 500_000
