"""CloudFormation's and SAM's templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import Setup
from fairlead.inspect.aws_words import in_words
from fairlead.inspect.hcl.results import Made, Piece, refers_of
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
        started = template.value(of.get("Metadata").get("AWS::CloudFormation::Init"))
        for resource in in_words(shown(of.get("Type")), name, given, of.at):
            yield _with_init(resource, started)


def _with_init(of: Resource, started: Value) -> Resource:
    """cfn-init runs what the metadata say as a part of the user data: mostly, which cluster to
    join."""
    joins = [text for text in _texts(started) if "ECS_CLUSTER" in shown(text)]
    if not joins:
        return of
    data = of.settings.get("user_data")
    pieces = [piece for text in (data, *joins) for piece in _pieces(text)]
    lost = next((text.unknown for text in (data, *joins) if text.unknown), "")
    whole = "".join(piece.text for piece in pieces)
    made = Made(None if lost else whole, of.settings.origin, lost, refers_of(joins), tuple(pieces))
    settings = dict(of.settings.members()) | {"user_data": made}
    return replace(of, settings=replace(of.settings, data=settings))


def _texts(value: Value) -> Iterator[Value]:
    inner = [item for _, item in value.members()]
    inner += value.data if isinstance(value.data, tuple) else ()
    if not inner:
        yield value
    for item in inner:
        yield from _texts(item)


def _pieces(text: Value) -> tuple[Piece, ...]:
    end = Piece("\n", text.at)
    pieces = text.pieces if isinstance(text, Made) else ()
    return (*(pieces or (Piece(shown(text), text.at),)), end)
