"""Parses whole files. What is wrong costs the attribute that it stands in, not the file."""

from __future__ import annotations

import re

from fairlead.inspect.hcl import templates
from fairlead.inspect.hcl.cursor import MOST_DEPTH, Cursor, SyntaxFault
from fairlead.inspect.hcl.expressions import expression
from fairlead.inspect.hcl.syntax import (
    Block,
    Body,
    Expression,
    ListOf,
    ObjectOf,
    Template,
    Text,
    Wrong,
)

_OUTER = re.compile(
    r'^(?:(?:resource|data)[ \t]+"[\w-]+"[ \t]+"[\w-]+"|(?:module|variable|output|provider)'
    r'[ \t]+"[\w-]+"|locals|terraform)[ \t]*\{',
    re.MULTILINE,
)
_LABEL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_REST = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|<<-?[ \t]*([^\W\d][\w-]*)[ \t\r]*\n.*?^[ \t]*\1[ \t\r]*$'
    r"|\#[^\n]*|//[^\n]*|/\*.*?\*/|.|\n",
    re.DOTALL | re.MULTILINE,
)


def parse(file: str, text: str) -> Body:
    """A file of Terraform, or of its variables. Never raises."""
    return _Bodies(file, text).body(outer=True)


def parse_template(file: str, text: str) -> Expression:
    """A file that is a template as a whole. Never raises."""
    cursor = Cursor(file, text)
    try:
        return templates.whole(cursor, expression, len(text))
    except SyntaxFault as fault:
        return Wrong(fault.at, fault.why)


class _Bodies:
    def __init__(self, file: str, text: str) -> None:
        self._cursor = Cursor(file, text)
        self._outer = {match.start(): True for match in _OUTER.finditer(text)}

    def body(self, *, outer: bool = False) -> Body:
        cursor = self._cursor
        attributes: dict[str, Expression] = {}
        blocks: list[Block] = []
        faults: list[Wrong] = []
        while True:
            cursor.space(lines=True)
            if cursor.over or (not outer and self._closed()):
                return Body(attributes, tuple(blocks), tuple(faults))
            self._item(attributes, blocks, faults)

    def _closed(self) -> bool:
        """At `}`, or where the next block begins at the margin, so that one must be missing."""
        return self._cursor.take("}") or self._cursor.pos in self._outer

    def _item(
        self, attributes: dict[str, Expression], blocks: list[Block], faults: list[Wrong]
    ) -> None:
        cursor = self._cursor
        cursor.lines_too = False
        start, at = cursor.pos, cursor.at()
        name = cursor.name() or self._label()
        try:
            if name and cursor.take("=") and not cursor.looking_at("="):
                value = self._attribute()
                attributes[name] = _repeated(attributes.get(name), value)
            elif name:
                blocks.append(self._block(name, start))
            else:
                raise cursor.fault("a name is missing")
        except SyntaxFault as fault:
            wrong = Wrong(fault.at, f"line {fault.at.line} cannot be parsed: {fault.why}")
            faults.append(wrong)
            if name:
                attributes.setdefault(name, Wrong(at, wrong.why))
            self._skip(start)

    def _label(self) -> str:
        """A name in quotes: an old way of writing attributes."""
        quoted = self._cursor.match(_LABEL)
        return quoted[1:-1]

    def _attribute(self) -> Expression:
        cursor = self._cursor
        cursor.lines_too, cursor.depth = False, 0
        value = expression(cursor)
        cursor.space()
        if not (cursor.over or cursor.take("\n") or cursor.take(",") or cursor.looking_at("}")):
            raise cursor.fault("a new line is missing after an attribute")
        return value

    def _block(self, kind: str, start: int) -> Block:
        cursor = self._cursor
        at, labels, depth = cursor.at(start), [], cursor.depth
        cursor.lines_too = False
        while not cursor.take("{"):
            label = self._label() or cursor.name()
            if not label:
                raise cursor.fault("{ is missing")
            labels.append(label)
        if self._nesting() > MOST_DEPTH:
            raise cursor.fault("nested too deeply")
        try:
            return Block(kind, tuple(labels), self.body(), at)
        finally:
            self._deep -= 1
            cursor.depth = depth

    _deep = 0

    def _nesting(self) -> int:
        self._deep += 1
        return self._deep

    def _skip(self, start: int) -> None:
        """To the end of the line that is at fault, with the brackets that it opens; not past the
        next block at the margin, nor past the end of the block that it stands in."""
        cursor, depth = self._cursor, 0
        limit = next((pos for pos in self._outer if pos > start), cursor.end)
        cursor.pos = start
        while cursor.pos < limit:
            before, part = cursor.pos, cursor.match(_REST)
            if part in ("}", "]", ")") and depth == 0 and before > start:
                cursor.pos = before if part == "}" else cursor.pos
                return
            depth += (part in ("{", "[", "(")) - (part in ("}", "]", ")"))
            if part == "\n" and depth <= 0:
                return
        cursor.pos = limit


def _repeated(before: Expression | None, value: Expression) -> Expression:
    """Objects given to a name again and again are blocks of it, as they once were written."""
    if isinstance(value, ObjectOf) and isinstance(before, ObjectOf):
        return ListOf(before.at, (before, value))
    if isinstance(value, ObjectOf) and isinstance(before, ListOf):
        return ListOf(before.at, (*before.elements, value))
    return value


def literal(value: Expression) -> str | None:
    """The text of one without interpolations."""
    if isinstance(value, Template) and all(isinstance(part, Text) for part in value.parts):
        return "".join(part.text for part in value.parts if isinstance(part, Text))
    return None
