"""CloudFormation's and SAM's templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import Setup
from fairlead.inspect.aws_words import in_words
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.intrinsics import Template
from fairlead.inspect.lift.terraform import lifted
from fairlead.inspect.values import Resource, Value


def is_template(whole: Value) -> bool:
    resources = whole.get("Resources")
    kinds = (of.get("Type").data for _, of in resources.members())
    return any(isinstance(kind, str) and kind.startswith("AWS::") for kind in kinds)


def read_template(file: str, whole: Value) -> Setup:
    """What it sets up with its parameters' defaults; a resource whose condition does not hold with
    these is none."""
    setup = lifted(tuple(_resources(whole)), f"{file}:")
    tasks = tuple(replace(of, family=of.family or _logical(of.key)) for of in setup.tasks)
    services = tuple(replace(of, name=of.name or _logical(of.key)) for of in setup.services)
    return replace(setup, tasks=tasks, services=services)


def _logical(key: str) -> str:
    return key.rpartition(":")[2]


def _resources(whole: Value) -> Iterator[Resource]:
    template = Template(whole)
    for name, of in whole.get("Resources").members():
        condition = of.get("Condition")
        if condition.given and template.holds(str(condition.data)) is False:
            continue
        given = template.value(of.get("Properties"))
        yield from in_words(shown(of.get("Type")), name, given, of.at)
