"""Texts out of templates: where each line stands, and what in them is not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from fairlead.core.setup import NOWHERE, At
from fairlead.inspect.hcl.results import MOST_STEPS, Made, Piece, refers_of, written
from fairlead.inspect.hcl.syntax import (
    Attribute,
    Expression,
    Index,
    Name,
    Template,
    TemplateFor,
    TemplateIf,
    Text,
)
from fairlead.inspect.values import Value

if TYPE_CHECKING:
    from fairlead.inspect.hcl.evaluate import Scope

Evaluate = Callable[[Expression, "Scope"], Value]
MOST_TEXT = 1_000_000
_UNFIT = re.compile(r"\W+")


def template(of: Template, scope: Scope, evaluate: Evaluate) -> Value:
    """A template's text; one interpolation alone is its value, whatever that is."""
    if len(of.parts) == 1 and not isinstance(of.parts[0], Text | TemplateIf | TemplateFor):
        return evaluate(of.parts[0], scope)
    return joined(_pieces(of.parts, scope, evaluate), of.at)


def _pieces(parts: Iterable[Expression], scope: Scope, evaluate: Evaluate) -> list[Piece]:
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, Text):
            pieces.append(Piece(part.text, part.at, part.broken))
        elif isinstance(part, TemplateIf):
            pieces += _if(part, scope, evaluate)
        elif isinstance(part, TemplateFor):
            pieces += _for(part, scope, evaluate)
        else:
            pieces += pieces_of(evaluate(part, scope), part.at, _named(part))
        if sum(len(piece.text) for piece in pieces) > MOST_TEXT:
            return [unknown_piece(Value(unknown="the text is too long"), part.at)]
    return pieces


def _if(part: TemplateIf, scope: Scope, evaluate: Evaluate) -> list[Piece]:
    condition = evaluate(part.condition, scope)
    holds = condition.flag().value
    if holds is None:
        return [unknown_piece(condition, part.at)]
    return _pieces(part.then if holds else part.otherwise, scope, evaluate)


def _for(part: TemplateFor, scope: Scope, evaluate: Evaluate) -> list[Piece]:
    from fairlead.inspect.hcl.evaluate import entries

    over = evaluate(part.over, scope)
    pairs = entries(over)
    if pairs is None:
        return [unknown_piece(over, part.at)]
    pieces: list[Piece] = []
    for key, value in pairs:
        names = {part.name: value} | ({part.key: key} if part.key else {})
        pieces += _pieces(part.body, scope.with_names(**names), evaluate)
    return pieces


def pieces_of(value: Value, at: At, name: str = "") -> list[Piece]:
    """What a value, which has this name, contributes to a text."""
    if isinstance(value, Made) and value.pieces:
        return list(value.pieces)
    if value.unknown or isinstance(value.data, tuple | dict):
        return [unknown_piece(value, at, name)]
    return [Piece(written(value), at, value=value)]


def _named(of: Expression) -> str:
    """`var.name` and the like, as far as it is made of names."""
    parts: list[str] = []
    while isinstance(of, Attribute | Index):
        parts += [of.name] if isinstance(of, Attribute) else []
        of = of.of
    return ".".join(reversed([*parts, of.name])) if isinstance(of, Name) else ""


def unknown_piece(value: Value, at: At, name: str = "") -> Piece:
    """It stands as a variable of the shell, which readers of scripts take for one not known."""
    name = _UNFIT.sub("_", name or "_".join(value.refers[:1])) or "unknown"
    lost = value if value.unknown else Value(origin=value.origin, unknown="it is no text")
    return Piece("${" + name + "}", at, value=lost)


def joined(pieces: list[Piece], at: At) -> Value:
    """One text of all of them."""
    lost = next((piece.value for piece in pieces if piece.lost and piece.value), None)
    text = "".join(piece.text for piece in pieces)
    refers = refers_of(piece.value for piece in pieces if piece.value)
    steps = (at, *(step for p in pieces for step in (p.at, *(p.value.origin if p.value else ()))))
    origin = tuple(dict.fromkeys(step for step in steps if step != NOWHERE))[:MOST_STEPS]
    if not lost and len(pieces) < 2 and "\n" not in text:
        return Value(text, origin, refers=refers)
    return Made(None if lost else text, origin, lost.unknown if lost else "", refers, tuple(pieces))


def lines_of(pieces: Sequence[Piece]) -> tuple[str, list[At]]:
    """The text, and where each of its lines comes from."""
    lines: list[At] = []
    fresh = True
    for piece in pieces:
        rows = piece.text.split("\n")
        for number, row in enumerate(rows):
            if (fresh or number) and (row or number < len(rows) - 1):
                step = number if piece.broken else 0
                lines.append(At(piece.at.file, piece.at.line + step))
        fresh = not rows[-1] and (fresh or len(rows) > 1)
    return "".join(piece.text for piece in pieces), [*lines, lines[-1] if lines else NOWHERE]


def shown(value: Value) -> str:
    """A text as it can be told, with `${…}` where it is not known."""
    if isinstance(value, Made) and value.pieces:
        return "".join(piece.text for piece in value.pieces)
    if not value.unknown:
        return written(value)
    return unknown_piece(value, NOWHERE).text
