"""Bodies of blocks as values: attributes, and blocks within them, dynamic ones too."""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.core.setup import At
from fairlead.inspect.hcl.evaluate import Scope, entries, evaluate
from fairlead.inspect.hcl.results import unknown
from fairlead.inspect.hcl.syntax import (
    Attribute,
    Block,
    Body,
    Expression,
    Index,
    ListOf,
    Name,
    Template,
    Text,
)
from fairlead.inspect.values import Value

_NOT_SETTINGS = {"count", "for_each", "provider", "providers", "depends_on"}
MOST_DEPTH = 8


def settings(body: Body, scope: Scope, at: At) -> Value:
    """All that a block says: attributes by name, and for each kind of block a tuple of them."""
    return Value(_members(body, scope, 0), (at,))


def _members(body: Body, scope: Scope, depth: int) -> dict[str, Value]:
    members = {
        name: evaluate(value, scope)
        for name, value in body.attributes.items()
        if depth or name not in _NOT_SETTINGS
    }
    for kind in dict.fromkeys(_kind(block) for block in body.blocks):
        members[kind] = _blocks(body, kind, scope, depth)
    return members


def member(body: Body, name: str, scope: Scope) -> Value | None:
    """One of them; None where nothing is said."""
    if name in body.attributes:
        return evaluate(body.attributes[name], scope)
    if any(_kind(block) == name for block in body.blocks):
        return _blocks(body, name, scope, 0)
    return None


def _kind(block: Block) -> str:
    return block.labels[0] if block.kind == "dynamic" and block.labels else block.kind


def _blocks(body: Body, kind: str, scope: Scope, depth: int) -> Value:
    chosen = [block for block in body.blocks if _kind(block) == kind]
    found = tuple(value for block in chosen for value in _evaluated(block, scope, depth))
    return Value(found, (chosen[0].at,))


def _evaluated(block: Block, scope: Scope, depth: int) -> Iterator[Value]:
    if depth >= MOST_DEPTH:
        yield unknown(block.at, "blocks are nested too deeply")
    elif block.kind == "lifecycle":
        yield _lifecycle(block, scope, depth)
    elif block.kind == "dynamic":
        yield from _dynamic(block, scope, depth)
    else:
        members = _members(block.body, scope, depth + 1)
        if block.labels:
            members["label"] = Value(block.labels[0], (block.at,))
        yield Value(members, (block.at,))


def _dynamic(block: Block, scope: Scope, depth: int) -> Iterator[Value]:
    over = block.body.attributes.get("for_each")
    contents = block.body.of("content")
    if over is None or not contents:
        yield unknown(block.at, "a dynamic block has no for_each, or no content")
        return
    collection = evaluate(over, scope)
    pairs = entries(collection)
    if pairs is None:
        yield unknown(block.at, "what a dynamic block goes through is not known", collection)
        return
    named = block.body.attributes.get("iterator")
    name = named.name if isinstance(named, Name) else block.labels[0]
    for key, value in pairs:
        inner = scope.with_names(**{name: Value({"key": key, "value": value})})
        yield Value(_members(contents[0].body, inner, depth + 1), (contents[0].at,))


def _lifecycle(block: Block, scope: Scope, depth: int) -> Value:
    """`ignore_changes` names settings, which are not evaluated."""
    rest = {n: e for n, e in block.body.attributes.items() if not n.endswith("triggered_by")}
    ignored = rest.pop("ignore_changes", None)
    members = _members(Body(rest), scope, depth + 1)
    if ignored is not None:
        each = ignored.elements if isinstance(ignored, ListOf) else (ignored,)
        members["ignore_changes"] = Value(tuple(Value(_named(e), (e.at,)) for e in each))
    return Value(members, (block.at,))


def _named(of: Expression) -> str:
    """The first name of a reference, also of one in quotes."""
    while isinstance(of, Attribute | Index):
        of = of.of
    if isinstance(of, Template) and of.parts and isinstance(of.parts[0], Text):
        return of.parts[0].text
    return of.name if isinstance(of, Name) else ""
