"""CloudFormation's and SAM's templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import Setup
from fairlead.inspect.hcl.results import Made, Piece, refers_of
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.lift.terraform import lifted
from fairlead.inspect.stacks import Beside, Stack
from fairlead.inspect.values import Resource, Value


def read_template(file: str, whole: Value, beside: Beside) -> Setup:
    """What it sets up with its parameters' defaults, and the nested stacks of the tree with what it
    gives them; a resource whose condition does not hold with these is none."""
    made = Stack(file, whole, beside).resources()
    setup = lifted(tuple(_with_init(of, started) for of, started in made), f"{file}:")
    tasks = tuple(replace(of, family=of.family or _logical(of.key)) for of in setup.tasks)
    services = tuple(replace(of, name=of.name or _logical(of.key)) for of in setup.services)
    return replace(setup, tasks=tasks, services=services)


def _logical(key: str) -> str:
    """Of a nested stack as CloudFormation itself would name it, the stack's name first."""
    return key.rpartition(":")[2].replace("/", "-")


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
