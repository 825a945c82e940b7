"""Attributes that a block does not give itself: those of resources and of data sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fairlead.inspect.hcl import blocks
from fairlead.inspect.hcl.bodies import parse_template
from fairlead.inspect.hcl.evaluate import Scope
from fairlead.inspect.hcl.results import AFTER_APPLY, Made, Piece, refers_of, unknown, written
from fairlead.inspect.hcl.syntax import Block
from fairlead.inspect.hcl.texts import joined, lines_of, pieces_of
from fairlead.inspect.values import Value

if TYPE_CHECKING:
    from fairlead.inspect.hcl.modules import Module

Absent = Callable[["Module", Block, Scope, str], Value]


def unsaid(_module: Module, block: Block, _scope: Scope, name: str) -> Value:
    """A resource's: it may have a default, which is not known here, or come with the resource."""
    return Value(origin=(block.at,), unknown=f"{name}: {AFTER_APPLY}")


def looked_up(module: Module, block: Block, scope: Scope, name: str) -> Value:
    """A data source's: it comes from what the data source is asked about."""
    kind = block.labels[0]
    if name == "rendered" and kind == "template_file":
        return _rendered(module, block, scope)
    if name == "rendered" and kind in ("template_cloudinit_config", "cloudinit_config"):
        return _parts(block, scope)
    if name == "content" and kind == "local_file":
        path = blocks.member(block.body, "filename", scope) or Value()
        return module.files.call("file", (path,), block.at)
    asked = Value(refers=refers_of([blocks.settings(block.body, scope, block.at)]))
    return unknown(block.at, f"the data source {kind} is asked when it is applied", asked)


def _rendered(module: Module, block: Block, scope: Scope) -> Value:
    variables = blocks.member(block.body, "vars", scope) or Value({})
    if isinstance(variables.data, tuple):  # a block, as it once was written
        variables = next(iter(variables.data), Value({}))
    source = blocks.member(block.body, "template", scope) or Value()
    if source.unknown or not source.given:
        return unknown(block.at, "the template is not known", source)
    made = source.pieces if isinstance(source, Made) else ()
    text, lines = lines_of(made) if made else (written(source), [source.at])
    template = parse_template(lines[0].file, "\n" * max(lines[0].line - 1, 0) + text)
    return module.files.rendered(template, (variables,), block.at)


def _parts(block: Block, scope: Scope) -> Value:
    parts = blocks.member(block.body, "part", scope) or Value(())
    pieces: list[Piece] = []
    for part in parts.items():
        pieces += [*pieces_of(part.get("content"), part.at), Piece("\n", part.at)]
    return joined(pieces, block.at)
