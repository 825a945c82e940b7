"""The Terraform module: as the AWS provider takes it, formatted, no more rights than needed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from fairlead.platforms.ecs import events
from fairlead.platforms.ecs.policy import policy
from fairlead.settings.load import problems as settings_problems
from tests.deploy import ecs_model
from tests.terraform_schema import blocks, parsed, problems

MODULE = Path(__file__).parents[2] / "deploy/terraform"
FILES = {path.name: path.read_text() for path in sorted(MODULE.glob("*.tf"))}
TEXT = "\n".join(FILES.values())
ARN = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
MOUNT = "/var/lib/fairlead"


def _bodies(kind: str, of: str) -> dict[str, dict[str, Any]]:
    found = [block for name, text in FILES.items() for block in blocks(parsed(name, text), kind)]
    return {name: body for type_, name, body in found if type_ == of}


def test_the_provider_takes_it() -> None:
    assert problems(FILES) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("main.tf", "network_mode ", "network_mod  ", "network_mod is not known (near: net"),
        ("main.tf", "  family                   = var.name\n", "", "family is required"),
        ("main.tf", "docker_volume_configuration {", "docker_volume {", "docker_volume is not"),
        ("main.tf", "scope         =", "scop          =", "_configuration: scop is not"),
        ("main.tf", "volume_configuration {", "volume_configuration = {", "is a block"),
        ("main.tf", "retention_in_days = var.log_retention_days", 'retention_in_days = "a week"',
         "retention_in_days is no number"),
        ("main.tf", "aws_iam_role.task.arn", "aws_iam_role.task.an", "no attribute an (near: arn)"),
        ("main.tf", "aws_iam_role.task.arn", "aws_iam_role.tasks.arn", "aws_iam_role.tasks is not"),
        ("main.tf", "= var.tags", "= var.tag", "var.tag is not declared"),
        ("main.tf", 'data "aws_ecs_cluster"', 'data "aws_ecs_clustr"', "no such data"),
        ("iam.tf", "identifiers = [", "identifier = [", "identifiers is required"),
        ("iam.tf", "local.tasks", "local.task", "local.task is not declared"),
        ("events.tf", "aws_sqs_queue.events[0].id", "aws_sqs_queue.events.id", "has a count"),
        ("network.tf", 'resource "aws_security_group_rule"', 'resource "aws_security_group_rul"',
         "no such resource (near: aws_security_group_rule)"),
    ],
)  # fmt: skip
def test_what_the_provider_would_not_take_is_found(
    file: str, old: str, new: str, told: str
) -> None:
    assert old in FILES[file]
    found = problems({**FILES, file: FILES[file].replace(old, new)})
    assert any(told in problem for problem in found), found


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform comes from no package here")
def test_it_is_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/dev/null")
    told = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", MODULE], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_variable_is_described_and_used() -> None:
    variables = [v for name, text in FILES.items() for v in parsed(name, text).get("variable", [])]
    assert len(variables) > 5
    for block in variables:
        (name,) = (key for key in block if key != "__is_block__")
        assert block[name]["description"], name
        assert re.search(rf"\bvar\.{name.strip(chr(34))}\b", TEXT), f"{name} is not used"


def _container() -> dict[str, Any]:
    """What jsonencode is given, with values of the right kind in the place of variables."""
    written = _bodies("resource", "aws_ecs_task_definition")["this"]["container_definitions"]
    (call,) = re.findall(r"^\$\{jsonencode\((.*)\)\}$", written, re.DOTALL)
    numbers = re.sub(r"var\.(cpu|memory)\b", "64", call)
    secrets = numbers.replace("var.hook_token == null ? [] : ", "")
    (container,) = hcl2.loads(f"it = {secrets}\n")["it"]  # type: ignore[attr-defined]
    return dict(_plain(container))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.strip('"') if isinstance(value, str) else value


def test_ecs_takes_its_container() -> None:
    document = {"family": "fairlead", "containerDefinitions": [_container()]}
    assert ecs_model.problems(document) == []


def test_its_state_is_on_the_volume_that_it_names() -> None:
    volume = _bodies("resource", "aws_ecs_task_definition")["this"]["volume"][0]
    (mount,) = _container()["mountPoints"]
    assert mount["sourceVolume"] == volume["name"].strip('"')
    assert mount["containerPath"] == MOUNT
    assert f"VOLUME {MOUNT}" in (MODULE.parent / "Dockerfile").read_text()


def _granted(name: str) -> set[tuple[str, str, str]]:
    """Action, resource and condition of each action that a policy document allows."""
    found = set()
    for statement in _bodies("data", "aws_iam_policy_document")[name]["statement"]:
        condition = "".join(_condition(statement))
        for action in statement["actions"]:
            for resource in statement["resources"]:
                found.add((action.strip('"'), _value(resource), condition))
    return found


def _condition(statement: dict[str, Any]) -> Iterator[str]:
    for each in statement.get("condition", []):
        yield f"{_value(each['test'])} {_value(each['variable'])} {_value(each['values'][0])}"


def _value(expression: str) -> str:
    """What the expressions of iam.tf stand for in the cluster ARN."""
    for local in parsed("iam.tf", FILES["iam.tf"])["locals"]:
        for name, meaning in local.items():
            if expression == f"${{local.{name}}}":
                return _value(meaning)
    own = re.escape("${replace(data.aws_ecs_cluster.this.arn, ")
    if match := re.fullmatch(rf'"{own}"(.*?)", "(.*?)"\)}}(.*)"', expression):
        return ARN.replace(match[1], match[2]) + match[3]
    return expression.replace("${data.aws_ecs_cluster.this.arn}", ARN).strip('"')


def _exported(*capabilities: str) -> set[tuple[str, str, str]]:
    found = set()
    for statement in policy(capabilities, ARN)["Statement"]:
        condition = "".join(
            f"{test} {key} {value}"
            for test, pair in statement.get("Condition", {}).items()
            for key, value in pair.items()
        )
        found |= {(action, statement["Resource"], condition) for action in statement["Action"]}
    return found


def test_its_role_may_do_what_export_iam_policy_says() -> None:
    assert _granted("read") == _exported()
    assert _granted("read") | _granted("scaling") == _exported("scaling")
    assert _granted("read") | _granted("metrics") == _exported("metrics")


def test_its_role_may_read_its_own_queue_only() -> None:
    granted = _granted("events")
    assert {action for action, *_ in granted} == {a for a, *_ in _exported("events") - _exported()}
    assert {resource for _, resource, _ in granted} == {"${aws_sqs_queue.events[0].arn}"}


def test_its_queue_gets_what_fairlead_understands() -> None:
    pattern = _bodies("resource", "aws_cloudwatch_event_rule")["events"]["event_pattern"]
    kinds = set(re.findall(r'"(ECS [\w ]+)"', pattern))
    assert {events._OF_TASKS, events._OF_NODES} <= kinds
    assert kinds <= {events._OF_TASKS, events._OF_NODES, *events._OF_SERVICES}


def test_each_right_is_given_to_the_role_that_uses_it() -> None:
    given = {
        (body["role"], body["policy"])
        for body in _bodies("resource", "aws_iam_role_policy").values()
    }
    document = "${{data.aws_iam_policy_document.{}.json}}"
    assert given == {
        ("${aws_iam_role.task.id}", document.format("read")),
        ("${aws_iam_role.task.id}", document.format("scaling")),
        ("${aws_iam_role.task.id}", document.format("metrics")),
        ("${aws_iam_role.task.id}", document.format("events[0]")),
        ("${aws_iam_role.execution.id}", document.format("hook_token[0]")),
    }


def test_the_nodes_let_themselves_in_on_the_ephemeral_range_and_nobody_else() -> None:
    network = FILES["network.tf"]
    assert "source_security_group_id = var.nodes_security_group_id" in network
    assert "cidr" not in network


def _example() -> dict[str, Any]:
    """The module's call in README, with plain values."""
    (shown,) = re.findall(r"```hcl\n(.*?)```", (MODULE.parent / "README.md").read_text(), re.DOTALL)
    (block,) = parsed("README.md", shown)["module"]
    return dict(_plain(block)["fairlead"])


def test_the_example_gives_what_the_module_takes() -> None:
    declared = {
        name.strip('"'): body
        for file, text in FILES.items()
        for variable in parsed(file, text).get("variable", [])
        for name, body in variable.items()
    }
    given = _example().keys() - {"source"}
    assert given <= declared.keys()
    assert {name for name, body in declared.items() if "default" not in body} <= given


def test_the_settings_of_the_example_are_such_as_fairlead_takes() -> None:
    (call,) = re.findall(r"^\$\{yamlencode\((.*)\)\}$", _example()["settings"], re.DOTALL)
    settings = _plain(hcl2.loads(f"it = {call}\n")["it"])  # type: ignore[attr-defined]
    assert settings_problems(json.dumps(settings)) == []
    entrypoint = (MODULE.parent / "entrypoint").read_text()
    assert f">{MOUNT}/{settings['hooks']['token_file']}\n" in entrypoint


def test_secrets_are_nowhere() -> None:
    assert not re.search(r"AKIA|aws_secret|password", TEXT, re.IGNORECASE)
