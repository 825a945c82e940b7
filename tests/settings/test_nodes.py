"""`ecs: nodes:`: what it takes, and what is refused and where."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from fairlead.core.scaling.nodes_model import NodeScale
from fairlead.settings import parse, problems
from fairlead.settings.schema import schema_text

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text()))


def settings(nodes: str) -> str:
    return f"platform: ecs\necs:\n  cluster: shop\n  nodes: {nodes}\n"


def test_without_it_no_group_is_followed() -> None:
    assert parse("platform: ecs\n").ecs.nodes == NodeScale()
    assert NodeScale().asg == ""


@pytest.mark.parametrize(
    ("nodes", "meant"),
    [
        ("{asg: web}", NodeScale("web")),
        (
            "{asg: shop/nodes-1, min: 2, max: 9, headroom: 0, settle: 5m, dry_run: true}",
            NodeScale("shop/nodes-1", 2, 9, 0, 300.0, dry_run=True),
        ),
    ],
)
def test_what_is_meant(nodes: str, meant: NodeScale) -> None:
    assert parse(settings(nodes)).ecs.nodes == meant
    assert VALIDATOR.is_valid(yaml.safe_load(settings(nodes)))


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ("{min: 1}", '"asg" is missing'),
        ("{asg: web, min: 5}", "min: 5 is above max: 4"),
        ("{asg: web, min: 0}", "a whole number from 1 to 100"),
        ("{asg: web, settle: 0s}", "a duration from 1s to 24h"),
        ("{asg: 'a b'}", "the name of an auto scaling group"),
        ("{asg: web, head: 1}", 'did you mean "headroom"'),
    ],
)
def test_what_is_refused_and_where(nodes: str, told: str) -> None:
    (problem,) = problems(settings(nodes))
    assert told in str(problem)
    assert problem.line == 4
