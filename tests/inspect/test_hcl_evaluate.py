from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.terraform_ground import local, module_of, plainly


def value(folder: Path, expression: str, more: str = "", **files: str) -> object:
    return plainly(local(folder, f"locals {{\n  x = {expression}\n}}\n{more}", **files))


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 / 4", 2.5),
        ("7 % 4", 3),
        ("-3 - -4", 1),
        ("1 < 2 && !(2 <= 1) || false", True),
        ('"a" == "a" && 1 != 2', True),
        ('"1" == 2', False),
        ('[1] == ["1"]', False),
        ("null == null", True),
        ('true ? "a" : "b"', "a"),
        ("false\n", False),
        ('"${1 + 1}"', 2),
        ('"a${1 + 1}b${true}c"', "a2btruec"),
        ('"%{ if 1 > 2 }a%{ else }b%{ endif }c"', "bc"),
        ('"%{ for n in [1, 2] }<${n}>%{ endfor }"', "<1><2>"),
        ('"%{ for i, n in ["a", "b"] }${i}${n}%{ endfor }"', "0a1b"),
        ('"a ${~ "b" ~} c"', "abc"),
        ("[1, 2, 3][1]", 2),
        ('{ a = 1, "b" : 2, (upper("c")) = 3 }', {"a": 1, "b": 2, "C": 3}),
        ("{ a = { b = [5, 6] } }.a.b[1]", 6),
        ("[1, 2].1", 2),
        ("[for n in [1, 2, 3] : n * 2 if n != 2]", [2, 6]),
        ("[for k, v in { b = 1, a = 2 } : k]", ["a", "b"]),
        ("{ for v in [1, 2] : v => v * v }", {"1": 1, "2": 4}),
        ('{ for v in ["ab", "ac"] : substr(v, 0, 1) => v... }', {"a": ["ab", "ac"]}),
        ("[{ a = 1 }, { a = 2 }][*].a", [1, 2]),
        ("[{ a = 1 }, { a = 2 }].*.a", [1, 2]),
        ('"one"[*]', ["one"]),
        ("null[*]", []),
        ("max([1, 5, 3]...)", 5),
        ("try({ a = 1 }.b, 2)", 2),
        ("can({ a = 1 }.b)", False),
        ("can({ a = 1 }.a)", True),
    ],
)
def test_expressions(tmp_path: Path, expression: str, result: object) -> None:
    assert value(tmp_path, expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("var.lost", "?"),
        ("var.lost + 1", "?"),
        ('"a${var.lost}"', "?"),
        ('var.lost ? "a" : "b"', "?"),
        ('var.lost ? "a" : "a"', "a"),
        ("false && var.lost", False),
        ("true || var.lost", True),
        ("var.lost && true", "?"),
        ("[1, var.lost]", [1, "?"]),
        ("[1, var.lost][0]", 1),
        ("[1, 2][var.lost]", "?"),
        ("length([var.lost, var.lost])", 2),
        ("merge({ a = 1 }, { b = var.lost })", {"a": 1, "b": "?"}),
        ("merge({ a = 1 }, var.lost)", "?"),
        ("concat([1], var.lost)", "?"),
        ("coalesce(var.lost, 1)", "?"),
        ("coalesce(1, var.lost)", 1),
        ("try(var.lost, 1)", "?"),
        ("contains([1, var.lost], 1)", True),
        ("contains([1, var.lost], 2)", "?"),
        ("[for n in var.lost : n]", "?"),
        ("[for n in [1, 2] : n if var.lost]", "?"),
        ("nobodys_function(1)", "?"),
        ("timestamp()", "?"),
        ("terraform.workspace", "?"),
        ("jsonencode([var.lost])", "?"),
        ("jsondecode(jsonencode([1, var.lost]))", [1, "?"]),
        ("local.y", "?"),
        ("aws_lb.front.arn", "?"),
        ("data.aws_ami.it.id", "?"),
        ('lookup({ a = 1 }, "b", 3)', 3),
        ('lookup(var.lost, "b", 3)', "?"),
        ("var.lost == null", "?"),
        ("1 / 0", "?"),
        ('"1" == 1', "?"),
        ('true == "1"', "?"),
        ("true == 1", "?"),
        ('"true" != true', "?"),
        ('"a" + 1', "?"),
        ('file("/etc/hostname")', "?"),
    ],
)
def test_what_is_not_known_is_never_guessed(
    tmp_path: Path, expression: str, result: object
) -> None:
    more = 'variable "lost" {}\nlocals {\n  y = local.z\n  z = local.y\n}\n'
    more += 'data "aws_ami" "it" {\n  owners = ["self"]\n}\nresource "aws_lb" "front" {}\n'
    assert value(tmp_path, expression, more) == result


def test_an_origin_has_each_step_the_use_first(tmp_path: Path) -> None:
    text = """\
    variable "port" {
      default = 8083
    }
    locals {
      y = var.port
      x = local.y
    }
    """
    lines = [step.line for step in local(tmp_path, text).origin]
    assert lines == [6, 5, 2]


def test_what_is_only_known_later_still_refers_to_its_resource(tmp_path: Path) -> None:
    text = """\
    resource "aws_lb_target_group" "web" {
      count = 2
    }
    resource "aws_ecs_cluster" "main" {
      name = "shop"
    }
    locals {
      x = [aws_lb_target_group.web[1].arn, "${aws_ecs_cluster.main.name}-a", var.lost, local.f]
      f = format("%s-%d", aws_ecs_cluster.main.name, 1)
    }
    """
    group, name, lost, made = local(tmp_path, text).items()
    assert (made.data, made.refers) == ("shop-1", ("aws_ecs_cluster.main",))
    assert (group.unknown != "", group.refers) == (True, ("aws_lb_target_group.web[1]",))
    assert (name.data, name.refers) == ("shop-a", ("aws_ecs_cluster.main",))
    assert (lost.unknown, lost.refers) == ("there is no variable lost", ())


def test_types_give_defaults_to_optional_attributes(tmp_path: Path) -> None:
    text = """\
    variable "services" {
      type = map(object({
        port  = number
        count = optional(number, 2)
        path  = optional(string)
      }))
      default = { a = { port = "80" } }
    }
    locals {
      x = var.services
    }
    """
    assert plainly(local(tmp_path, text)) == {"a": {"port": 80, "count": 2, "path": None}}


def test_values_of_variables_come_from_the_files_that_terraform_takes(tmp_path: Path) -> None:
    module = module_of(
        tmp_path,
        main_tf='variable "a" {}\nvariable "b" {}\nvariable "c" {}\nvariable "d" { default = 4 }\n',
        **{"terraform.tfvars": "a = 1\nb = 1\n"},
        **{"z.auto.tfvars": "b = 2\n", "prod.tfvars": "c = 3\n"},
    )
    assert [plainly(module.variable(name)) for name in "abcd"] == [1, 2, "?", 4]


def test_values_of_variables_may_be_json(tmp_path: Path) -> None:
    module = module_of(
        tmp_path,
        main_tf='variable "a" {}\nvariable "b" {}\nvariable "c" {}\n',
        **{"terraform.tfvars": "a = 1\nb = 1\n", "terraform.tfvars.json": '{"b": {"x": [2]}}'},
        **{"services.auto.tfvars.json": '{"c": "\u00e4"}', "prod.tfvars.json": '{"a": 9}'},
    )
    assert [plainly(module.variable(name)) for name in "abc"] == [1, {"x": [2]}, "ä"]


def test_null_is_what_the_default_is_for_where_it_is_not_allowed(tmp_path: Path) -> None:
    text = """\
    module "m" {
      source = "./m"
      a      = null
      b      = null
    }
    locals {
      x = module.m.both
    }
    """
    inner = """\
    variable "a" {
      default = 1
    }
    variable "b" {
      default  = 2
      nullable = false
    }
    output "both" {
      value = [var.a, var.b]
    }
    """
    assert plainly(local(tmp_path, text, m__main_tf=inner)) == [None, 2]


def test_templates_see_their_variables_alone(tmp_path: Path) -> None:
    text = """\
    locals {
      hidden = 1
      x = templatefile("${path.module}/t.txt", { name = "a", ports = [1, 2] })
    }
    """
    template = "%{ for p in ports ~}\n${name}:${p}\n%{ endfor ~}\n"
    assert plainly(local(tmp_path, text, **{"t.txt": template})) == "a:1\na:2\n"
    assert plainly(local(tmp_path, text, **{"t.txt": "${local.hidden}"})) == "?"
