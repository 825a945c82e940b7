"""Templates: quoted, heredoc, and whole files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from fairlead.core.setup import At
from fairlead.inspect.hcl.cursor import Cursor
from fairlead.inspect.hcl.syntax import Expression, Template, TemplateFor, TemplateIf, Text

Parse = Callable[[Cursor], Expression]
_QUOTED = re.compile(r'(?:[^"\\$%\n]|\$(?!\$?\{)|%(?!%?\{))+')
_PLAIN = re.compile(r"(?:[^$%]|\$(?!\$?\{)|%(?!%?\{))+")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_HEREDOC = re.compile(r"<<(-?)[ \t]*([^\W\d][\w-]*)[ \t\r]*\n")
_MARKED = re.compile(r"[$%]\{~?")
_INDENT = re.compile(r"^[ \t]*(?=[^\s])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Mark:
    """`%{ … }`: an opening, `else` or an end."""

    at: At
    word: str
    key: str = ""
    name: str = ""
    over: Expression | None = None


Piece = Expression | _Mark


class _Pieces:
    """The flat sequence of a template, with what `~` removes removed."""

    def __init__(self) -> None:
        self.all: list[Piece] = []
        self._stripping = False

    def text(self, at: At, text: str, *, broken: bool) -> None:
        if self._stripping:
            kept = text.lstrip()
            lines = text[: len(text) - len(kept)].count("\n") if broken else 0
            at, text = At(at.file, at.line + lines), kept
            self._stripping = not text
        if text:
            self.all.append(Text(at, text, broken))

    def marked(self, piece: Piece, *, left: bool, right: bool) -> None:
        while left and self.all and isinstance(last := self.all[-1], Text):
            self.all.pop()
            if kept := last.text.rstrip():
                self.all.append(Text(last.at, kept, last.broken))
                break
        self.all.append(piece)
        self._stripping = right


def quoted(cursor: Cursor, parse: Parse) -> Expression:
    """A text in quotes, which the cursor stands at."""
    at, pieces = cursor.at(), _Pieces()
    cursor.pos += 1
    while not cursor.looking_at('"'):
        if chunk := cursor.match(_QUOTED):
            pieces.text(at, chunk, broken=False)
        elif cursor.looking_at("\\"):
            pieces.text(at, _unescaped(cursor), broken=False)
        elif not _special(cursor, pieces, parse):
            raise cursor.fault("a text in quotes does not end")
    cursor.pos += 1
    return _template(at, cursor, pieces)


def _unescaped(cursor: Cursor) -> str:
    escape = cursor.match(_ESCAPE)
    if not escape:
        raise cursor.fault("a text in quotes does not end")
    if escape[1] in "uU" and len(escape) > 2:
        code = int(f"0x{escape[2:]}", 0)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    return _ESCAPES.get(escape[1], escape)


def heredoc(cursor: Cursor, parse: Parse) -> Expression | None:
    """A heredoc, when the cursor stands at one; it is left at the end of its last line."""
    begin = _HEREDOC.match(cursor.text, cursor.pos, cursor.end)
    if not begin:
        return None
    ending = re.compile(rf"^[ \t]*{re.escape(begin.group(2))}[ \t\r]*$", re.MULTILINE)
    last = ending.search(cursor.text, begin.end(), cursor.end)
    if not last:
        raise cursor.fault(f"the heredoc {begin.group(2)} does not end")
    cursor.pos = begin.end()
    parsed = whole(cursor, parse, last.start(), unindent=bool(begin.group(1)))
    cursor.pos = last.end()
    return parsed


def whole(cursor: Cursor, parse: Parse, end: int, *, unindent: bool = False) -> Expression:
    """A template from the cursor up to `end`."""
    at, pieces, before = cursor.at(), _Pieces(), cursor.end
    indent = _indent(cursor.text[cursor.pos : end]) if unindent else 0
    cursor.end = end
    try:
        while not cursor.over:
            start = cursor.pos
            if chunk := cursor.match(_PLAIN):
                text = _without_indent(cursor, start, chunk, indent)
                pieces.text(cursor.at(start), text, broken=True)
            elif not _special(cursor, pieces, parse):
                raise cursor.fault("a template cannot be read")
    finally:
        cursor.end = before
    return _template(at, cursor, pieces)


def _indent(text: str) -> int:
    return min((len(match.group()) for match in _INDENT.finditer(text)), default=0)


def _without_indent(cursor: Cursor, start: int, chunk: str, indent: int) -> str:
    if not indent:
        return chunk
    first = start == 0 or cursor.text[start - 1] == "\n"
    text = chunk if first else "\0" + chunk
    return re.sub(rf"(?m)^[ \t]{{0,{indent}}}", "", text).removeprefix("\0" if not first else "")


def _special(cursor: Cursor, pieces: _Pieces, parse: Parse) -> bool:
    """`$${` and `%%{`, an interpolation, or a directive."""
    at = cursor.at()
    if cursor.looking_at("$${") or cursor.looking_at("%%{"):
        pieces.text(at, cursor.text[cursor.pos + 1 : cursor.pos + 3], broken=False)
        cursor.pos += 3
        return True
    opening = cursor.match(_MARKED)
    if not opening:
        return False
    lines, cursor.lines_too = cursor.lines_too, True
    piece = parse(cursor) if opening[0] == "$" else _directive(cursor, parse, at)
    right = cursor.take("~")
    cursor.expect("}")
    cursor.lines_too = lines
    pieces.marked(piece, left=opening.endswith("~"), right=right)
    return True


def _directive(cursor: Cursor, parse: Parse, at: At) -> _Mark:
    word = cursor.name()
    if word == "if":
        return _Mark(at, word, over=parse(cursor))
    if word == "for":
        name, key = cursor.name(), ""
        if cursor.take(","):
            key, name = name, cursor.name()
        if not name or cursor.name() != "in":
            raise cursor.fault("a for directive cannot be read")
        return _Mark(at, word, key, name, parse(cursor))
    if word not in {"else", "endif", "endfor"}:
        raise cursor.fault(f"%{{{word} is no directive")
    return _Mark(at, word)


def _template(at: At, cursor: Cursor, pieces: _Pieces) -> Expression:
    rest = list(reversed(pieces.all))
    parts, ended = _nested(rest, cursor, 0)
    if ended:
        raise cursor.fault(f"a directive {ended} has no beginning")
    return Template(at, parts)


def _nested(rest: list[Piece], cursor: Cursor, depth: int) -> tuple[tuple[Expression, ...], str]:
    """The parts up to a closing mark, and that mark's word; `rest` is in reverse."""
    parts: list[Expression] = []
    while rest:
        piece = rest.pop()
        if not isinstance(piece, _Mark):
            parts.append(piece)
        elif piece.over is None:
            return tuple(parts), piece.word
        elif depth > 30:
            raise cursor.fault("directives are nested too deeply")
        else:
            parts.append(_directed(piece, piece.over, rest, cursor, depth))
    return tuple(parts), ""


def _directed(
    mark: _Mark, over: Expression, rest: list[Piece], cursor: Cursor, depth: int
) -> Expression:
    body, ended = _nested(rest, cursor, depth + 1)
    if mark.word == "for" and ended == "endfor":
        return TemplateFor(mark.at, mark.key, mark.name, over, body)
    otherwise: tuple[Expression, ...] = ()
    if mark.word == "if" and ended == "else":
        otherwise, ended = _nested(rest, cursor, depth + 1)
    if mark.word == "if" and ended == "endif":
        return TemplateIf(mark.at, over, body, otherwise)
    raise cursor.fault(f"a directive {mark.word} does not end")
