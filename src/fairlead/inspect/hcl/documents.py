"""JSON in texts: as values, each of which knows its line, also where the text is partly unknown."""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]

from fairlead.core.setup import At
from fairlead.inspect.hcl.results import Made, Piece, refers_of, unknown, used, written
from fairlead.inspect.hcl.texts import lines_of, unknown_piece
from fairlead.inspect.values import Value

MOST_DEPTH = 40
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LOST = re.compile("[\ue000-\uf8ff]+")
_TOO_MANY = Value(unknown="too much of the text is not known")
_WORDS = {"true": True, "false": False, "null": None}


class _NoJson(Exception):
    """Stops where the text is no JSON."""


def document(value: Value) -> Value:
    """What a text of JSON says, or the value itself where it is none; unknown where that fails."""
    if isinstance(value, Made) and value.inner is not None:
        return used(value.inner, value.at)
    if isinstance(value.data, tuple | dict):
        return value
    if isinstance(value, Made) and value.pieces:
        return _read(list(value.pieces), value)
    if isinstance(value.data, str):
        return _read([Piece(value.data, value.at)], value)
    return value


def _read(pieces: list[Piece], value: Value) -> Value:
    if len(pieces) == 1 and pieces[0].lost:
        return value
    try:
        return _Reader(pieces).whole()
    except (_NoJson, ValueError, RecursionError):
        return unknown(value.at, "it cannot be read as JSON", value)


class _Reader:
    """`_lost` are the values that characters of the private area stand for."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._lost = [piece.value for piece in pieces if piece.lost and piece.value][:6_000]
        numbers = iter(range(len(self._lost)))
        marked = [_marked(piece, numbers) for piece in pieces]
        self._text, self._lines = lines_of(marked)
        self._breaks = [match.start() for match in re.finditer("\n", self._text)]
        self._starts, self._pieces, at = [], marked, 0
        for piece in marked:
            self._starts.append(at)
            at += len(piece.text)
        self._pos = 0

    def whole(self) -> Value:
        value = self._value(0)
        self._space()
        if self._pos < len(self._text):
            raise _NoJson
        return value

    def _space(self) -> None:
        match = _SPACE.match(self._text, self._pos)
        self._pos = match.end() if match else self._pos

    def _next(self) -> str:
        self._space()
        return self._text[self._pos : self._pos + 1]

    def _at(self) -> At:
        return self._lines[bisect_right(self._breaks, self._pos - 1)]

    def _origin(self) -> tuple[At, ...]:
        """The line, and the steps behind an interpolation that this comes from."""
        piece = self._pieces[bisect_right(self._starts, self._pos) - 1]
        return tuple(dict.fromkeys((self._at(), *(piece.value.origin if piece.value else ()))))[:8]

    def _value(self, depth: int) -> Value:
        here = self._next()
        if depth > MOST_DEPTH:
            raise _NoJson
        if here == "{":
            return self._object(depth)
        if here == "[":
            return self._list(depth)
        return self._quoted() if here == '"' else self._bare()

    def _object(self, depth: int) -> Value:
        at, members = self._at(), {}
        self._pos += 1
        while self._next() != "}":
            key = self._quoted()
            self._take(":")
            members[written(key)] = self._value(depth + 1)
            if self._next() != "}":
                self._take(",")
        self._pos += 1
        return Value(members, (at,))

    def _list(self, depth: int) -> Value:
        at, elements = self._at(), []
        self._pos += 1
        while self._next() != "]":
            elements.append(self._value(depth + 1))
            if self._next() != "]":
                self._take(",")
        self._pos += 1
        return Value(tuple(elements), (at,))

    def _take(self, mark: str) -> None:
        if self._next() != mark:
            raise _NoJson
        self._pos += 1

    def _quoted(self) -> Value:
        if self._next() != '"':
            raise _NoJson
        at, self._pos = self._at(), self._pos + 1
        origin = self._origin()
        text, self._pos = scanstring(self._text, self._pos, False)
        refers = refers_of(self._known_within(self._pos - len(text) - 1, self._pos - 1))
        return self._unknown(text, at) or Value(
            text, tuple(dict.fromkeys((at, *origin))), "", refers
        )

    def _known_within(self, start: int, end: int) -> list[Value]:
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = bisect_right(self._starts, end)
        return [piece.value for piece in self._pieces[first:last] if piece.value]

    def _bare(self) -> Value:
        at, origin = self._at(), self._origin()
        for word, meaning in _WORDS.items():
            if self._text.startswith(word, self._pos):
                self._pos += len(word)
                return Value(meaning, origin)
        if number := _NUMBER.match(self._text, self._pos):
            self._pos = number.end()
            data = number.group()
            return Value(int(data) if data.lstrip("-").isdecimal() else float(data), origin)
        lost = _LOST.match(self._text, self._pos)
        if not lost:
            raise _NoJson
        self._pos = lost.end()
        if len(lost.group()) == 1 and isinstance(made := self._lost_by(lost.group()), Made):
            return document(made)
        return self._unknown(lost.group(), at) or Value(origin=(at,))

    def _lost_by(self, mark: str) -> Value:
        number = ord(mark) - 0xE000
        return self._lost[number] if number < len(self._lost) else _TOO_MANY

    def _unknown(self, text: str, at: At) -> Value | None:
        """That of a text which is not wholly known; with what of it is known."""
        values = [self._lost_by(mark) for run in _LOST.findall(text) for mark in run]
        if not values:
            return None
        if len(text) == 1:
            return used(values[0], at)
        rest = iter(values)
        parts = [part for part in re.split("([\ue000-\uf8ff])", text) if part]
        pieces = tuple(
            unknown_piece(next(rest), at) if _LOST.match(part) else Piece(part, at)
            for part in parts
        )
        return Made(None, (at,), values[0].unknown, refers_of(values), pieces)


def _marked(piece: Piece, numbers: object) -> Piece:
    if piece.lost:
        mark = chr(0xE000 + next(numbers, 6_000))  # type: ignore[call-overload]
        return Piece(mark, piece.at, value=piece.value)
    return Piece(_LOST.sub("?", piece.text), piece.at, piece.broken, piece.value)
