"""Parses expressions: by precedence, and what follows a term from left to right."""

from __future__ import annotations

import re
from collections.abc import Callable

from fairlead.core.setup import At
from fairlead.inspect.hcl import templates
from fairlead.inspect.hcl.cursor import MOST_DEPTH, NAME, Cursor
from fairlead.inspect.hcl.syntax import (
    Attribute,
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    ListOf,
    Literal,
    Name,
    ObjectOf,
    Splat,
    Unary,
)

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DIGITS = re.compile(r"\d+")
_OPERATOR = re.compile(r"\|\||&&|==|!=|<=|>=|[<>+\-*%]|/(?![/*])")
_RANKS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4}
_RANKS |= {"+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_FUNCTION = re.compile(r"[^\W\d][\w-]*(?:::[^\W\d][\w-]*)+")


def expression(cursor: Cursor) -> Expression:
    """The one that the cursor stands at. Raises SyntaxFault."""
    cursor.depth += 1
    if cursor.depth > MOST_DEPTH:
        raise cursor.fault("nested too deeply")
    try:
        condition = _operation(cursor, 1)
        if not cursor.take("?"):
            return condition
        return _conditional(cursor, condition)
    finally:
        cursor.depth -= 1


def _conditional(cursor: Cursor, condition: Expression) -> Expression:
    cursor.space(lines=True)
    then = expression(cursor)
    cursor.space(lines=True)
    cursor.expect(":")
    cursor.space(lines=True)
    return Conditional(condition.at, condition, then, expression(cursor))


def _operation(cursor: Cursor, rank: int) -> Expression:
    left = _term(cursor)
    while True:
        cursor.space()
        start = cursor.pos
        operator = cursor.match(_OPERATOR)
        if not operator or _RANKS[operator] < rank:
            cursor.pos = start
            return left
        cursor.space(lines=True)
        left = Binary(left.at, operator, left, _operation(cursor, _RANKS[operator] + 1))


def _term(cursor: Cursor) -> Expression:
    cursor.space()
    at = cursor.at()
    for operator in "-!":
        if cursor.looking_at(operator):
            cursor.pos += 1
            return Unary(at, operator, _nested(cursor))
    return _followed(cursor, _primary(cursor, at))


def _nested(cursor: Cursor) -> Expression:
    cursor.depth += 1
    if cursor.depth > MOST_DEPTH:
        raise cursor.fault("nested too deeply")
    try:
        return _term(cursor)
    finally:
        cursor.depth -= 1


def _primary(cursor: Cursor, at: At) -> Expression:
    here = cursor.text[cursor.pos : cursor.pos + 1] if not cursor.over else ""
    if here == "<" and (document := templates.heredoc(cursor, expression)):
        return document
    if here in _OPENINGS:
        return _OPENINGS[here](cursor, at)
    if digits := cursor.match(_NUMBER):
        return Literal(at, _number(digits))
    return _named(cursor, at)


def _number(digits: str) -> int | float:
    if digits.isdecimal():
        return int(digits[:30])
    number = float(digits)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _within(cursor: Cursor, opening: str, closing: str) -> Expression:
    cursor.expect(opening)
    lines, cursor.lines_too = cursor.lines_too, True
    inner = expression(cursor)
    cursor.expect(closing)
    cursor.lines_too = lines
    return inner


def _named(cursor: Cursor, at: At) -> Expression:
    name = cursor.match(_FUNCTION) or cursor.match(NAME)
    if not name:
        raise cursor.fault("an expression is missing")
    if cursor.looking_at("("):
        return _call(cursor, at, name)
    return Literal(at, _WORDS[name]) if name in _WORDS else Name(at, name)


def _call(cursor: Cursor, at: At, name: str) -> Expression:
    cursor.expect("(")
    lines, cursor.lines_too = cursor.lines_too, True
    arguments, spread = [], False
    while not cursor.take(")"):
        arguments.append(expression(cursor))
        spread = cursor.take("...") or spread
        if not cursor.take(","):
            cursor.expect(")")
            break
    cursor.lines_too = lines
    return Call(at, name, tuple(arguments), spread)


def _list(cursor: Cursor, at: At) -> Expression:
    cursor.expect("[")
    lines, cursor.lines_too = cursor.lines_too, True
    if _at_for(cursor):
        found: Expression = _for(cursor, at, "]")
    else:
        found = ListOf(at, tuple(_elements(cursor)))
    cursor.lines_too = lines
    return found


def _elements(cursor: Cursor) -> list[Expression]:
    elements = []
    while not cursor.take("]"):
        elements.append(expression(cursor))
        if not cursor.take(","):
            cursor.expect("]")
            break
    return elements


def _object(cursor: Cursor, at: At) -> Expression:
    cursor.expect("{")
    lines = cursor.lines_too
    if _at_for(cursor):
        cursor.lines_too = True
        found: Expression = _for(cursor, at, "}")
    else:
        cursor.lines_too = False
        found = ObjectOf(at, tuple(_members(cursor)))
    cursor.lines_too = lines
    return found


def _members(cursor: Cursor) -> list[tuple[Expression, Expression]]:
    members: list[tuple[Expression, Expression]] = []
    while True:
        cursor.space(lines=True)
        if cursor.take("}"):
            return members
        key = _key(cursor)
        if not (cursor.take("=") or cursor.take(":")):
            raise cursor.fault("= is missing after a key")
        cursor.space(lines=True)
        members.append((key, expression(cursor)))
        cursor.space()
        if not (cursor.take(",") or cursor.looking_at("\n") or cursor.looking_at("}")):
            raise cursor.fault("a comma or a new line is missing after a member")


def _key(cursor: Cursor) -> Expression:
    """A name alone is itself, and not what it refers to."""
    start, at = cursor.pos, cursor.at()
    if name := cursor.name():
        cursor.space()
        if cursor.looking_at("=") or cursor.looking_at(":"):
            return Literal(at, name)
    cursor.pos = start
    return expression(cursor)


def _at_for(cursor: Cursor) -> bool:
    start = cursor.pos
    cursor.space(lines=True)
    if cursor.match(NAME) == "for" and cursor.text[cursor.pos : cursor.pos + 1].isspace():
        return True
    cursor.pos = start
    return False


def _for(cursor: Cursor, at: At, closing: str) -> Expression:
    name, key = cursor.name(), ""
    if cursor.take(","):
        key, name = name, cursor.name()
    if not name or cursor.name() != "in":
        raise cursor.fault("a for expression cannot be read")
    over = expression(cursor)
    cursor.expect(":")
    result, member, grouped = expression(cursor), None, False
    if closing == "}":
        cursor.expect("=>")
        member, result, grouped = result, expression(cursor), cursor.take("...")
    condition = expression(cursor) if _word(cursor, "if") else None
    cursor.expect(closing)
    return For(at, key, name, over, member, result, condition, grouped)


def _word(cursor: Cursor, word: str) -> bool:
    start = cursor.pos
    if cursor.name() == word:
        return True
    cursor.pos = start
    return False


def _followed(cursor: Cursor, term: Expression) -> Expression:
    """The term with the attributes, indices and splats that follow it."""
    while True:
        start = cursor.pos
        cursor.space()
        if cursor.looking_at("[*]"):
            cursor.pos += 3
            term = Splat(term.at, term, _followed(cursor, Name(term.at, "*")))
        elif cursor.looking_at("["):
            term = Index(term.at, term, _within(cursor, "[", "]"))
        elif cursor.looking_at(".") and not cursor.looking_at("..."):
            term = _dotted(cursor, term)
        else:
            cursor.pos = start
            return term


def _dotted(cursor: Cursor, term: Expression) -> Expression:
    cursor.pos += 1
    if cursor.looking_at("*"):
        cursor.pos += 1
        return Splat(term.at, term, _attributes(cursor, Name(term.at, "*")))
    if digits := cursor.match(_DIGITS):
        return Index(term.at, term, Literal(term.at, int(digits[:30])))
    name = cursor.match(NAME)
    if not name:
        raise cursor.fault("a name is missing after a dot")
    return Attribute(term.at, term, name)


def _attributes(cursor: Cursor, term: Expression) -> Expression:
    while cursor.looking_at(".") and not cursor.looking_at("..."):
        term = _dotted(cursor, term)
    return term


_OPENINGS: dict[str, Callable[[Cursor, At], Expression]] = {
    '"': lambda cursor, _: templates.quoted(cursor, expression),
    "(": lambda cursor, _: _within(cursor, "(", ")"),
    "[": _list,
    "{": _object,
}
