"""nginx's configuration language: as much of it as is there.

A text that breaks off, or has a brace too many, gives what comes before and after; one that is a
template keeps its marks: words with `${…}`, `{{…}}` or `<%=…%>` as written, and a directive named
CONTROL where the template decides whether what follows is there at all, or how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from fairlead.core.setup import At

CONTROL = "%"
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r"|(?P<control>\{%[^%]{0,400}%\}|%\{[^{}]*\}|<%[^=%][^%]{0,400}%>"
    r"|\{\{-?\s*(?:[#/^]|(?:range|if|else|end|with|for|each|define|template|block)\b)[^{}]*\}\})"
    r"|(?P<quoted>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')"
    r"|(?P<mark>[};]|\{(?!\{))"
    r"|(?P<word>(?:\{\{[^{}\n]*\}\}|<%=[^%\n]*%>|\$\{[^}\n]*\}|\\.|[^\s;{}])+)"
    r"|(?P<rest>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Directive:
    name: str
    args: tuple[str, ...]
    at: At
    inner: tuple[Directive, ...] = ()
    block: bool = False


@dataclass(slots=True)
class _Open:
    """A block that is being read."""

    words: list[str] = field(default_factory=list)
    at: At = field(default_factory=lambda: At(""))
    inner: list[Directive] = field(default_factory=list)

    def closed(self) -> Directive:
        name, *args = self.words or [""]
        return Directive(name, tuple(args), self.at, tuple(self.inner), block=True)


def parse(file: str, text: str, first_line: int = 1) -> tuple[Directive, ...]:
    """Directives with the lines of the file, of which the text begins on the first line given."""
    return _Parser(file).whole(text, first_line)


class _Parser:
    def __init__(self, file: str) -> None:
        self._file = file
        self._open = [_Open()]
        self._words: list[str] = []
        self._at = At(file)

    def whole(self, text: str, line: int) -> tuple[Directive, ...]:
        place = 0
        while match := _TOKEN.match(text, place):
            kind, piece, place = match.lastgroup or "", match.group(), match.end()
            if kind == "mark" and piece == "{" and self._lua():
                end = _lua_end(text, place)
                piece, place = piece + text[place:end], end
                self._words = []
            elif kind in ("quoted", "word"):
                self._word(piece[1:-1] if kind == "quoted" else piece, line)
            else:
                self._other(kind, piece, line)
            line += piece.count("\n")
        while len(self._open) > 1:
            self._close()
        return tuple(self._open[0].inner)

    def _lua(self) -> bool:
        if self._words and self._words[0].endswith("_by_lua_block"):
            self._add(Directive(self._words[0], (), self._at))
            return True
        return False

    def _word(self, word: str, line: int) -> None:
        if not self._words:
            self._at = At(self._file, line)
        self._words.append(word)

    def _other(self, kind: str, piece: str, line: int) -> None:
        if kind == "control":
            self._add(Directive(CONTROL, (piece,), At(self._file, line)))
        elif piece == ";":
            if self._words:
                self._add(Directive(self._words[0], tuple(self._words[1:]), self._at))
            self._words = []
        elif piece == "{" and len(self._open) < MAX_DEPTH:
            self._open.append(_Open(self._words, self._at))
            self._words = []
        elif piece == "}":
            self._words = []
            self._close()

    def _add(self, directive: Directive) -> None:
        self._open[-1].inner.append(directive)

    def _close(self) -> None:
        if len(self._open) > 1:
            self._add(self._open.pop().closed())


def _lua_end(text: str, place: int) -> int:
    """Where the braces of a block of Lua are even again."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, place):
        depth += 1 if match.group() == "{" else -1
        if not depth:
            return match.end()
    return len(text)


def walk(directives: tuple[Directive, ...]) -> Iterator[Directive]:
    """All of them, and those within."""
    for directive in directives:
        yield directive
        yield from walk(directive.inner)
