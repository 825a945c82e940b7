"""The syntax of zone files, as far as it is needed: RFC 1035 §5, TTLs with units as in BIND.

Read are addresses, CNAMEs and texts; $ORIGIN and $TTL are followed, $INCLUDE is not. Our lines name
everything in full, so that they mean the same wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fairlead.core.dns import Record

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|(;.*)|([^\s"();]+)')
_KINDS = ("A", "AAAA", "CNAME", "TXT")
_CLASSES = {"IN", "CH", "HS", "CS"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TTL = re.compile(r"(?:\d+[smhdw]?)+", re.IGNORECASE)
_SERIAL = re.compile(
    r"(?P<head>\bSOA\s+[^\s;()]+\s+[^\s;()]+(?:\s|\(|;[^\n]*(?:\n|$))+)(?P<serial>\d{1,10})\b",
    re.IGNORECASE,
)


class ZoneSyntax:
    """Implements files.Syntax. `origin` is the zone's name, without the last dot."""

    comment = ";"

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def parse(self, lines: Iterable[str]) -> Iterator[Record]:
        state = _State(self._origin)
        for entry in _entries(lines):
            if record := _record(entry, state):
                yield record

    def write(self, record: Record) -> Iterator[str]:
        for value in record.values:
            data = f'"{value}"' if record.kind == "TXT" else value
            yield f"{record.name}. {record.ttl} IN {record.kind} {data}"

    def refuse(self, record: Record) -> str:
        if record.name == self._origin or record.name.endswith(f".{self._origin}"):
            return ""
        return f"{record.name} is not in the zone {self._origin}: see dns.zone.origin"

    def renew(self, lines: Sequence[str]) -> tuple[str, ...]:
        """The serial of the SOA grows by one (RFC 1982); a file to be included has none."""
        text = "\n".join(lines)
        return tuple(_SERIAL.sub(_grown, text, count=1).split("\n")) if lines else ()


def _grown(found: re.Match[str]) -> str:
    serial = (int(found["serial"]) + 1) % (1 << 32) or 1
    return f"{found['head']}{serial}"


@dataclass
class _State:
    origin: str
    owner: str = ""
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry's tokens; `blank`: it began with a space, so its owner is the last one's."""

    tokens: tuple[str, ...]
    blank: bool


def _entries(lines: Iterable[str]) -> Iterator[_Entry]:
    """Parentheses join lines; comments are dropped."""
    tokens: list[str] = []
    depth, blank = 0, False
    for line in lines:
        if not depth:
            tokens, blank = [], line[:1] in {" ", "\t"}
        for quoted, bracket, comment, plain in _TOKEN.findall(line):
            depth = max(0, depth + {"(": 1, ")": -1}.get(bracket, 0))
            if not (bracket or comment):
                tokens.append(plain or quoted)
        if tokens and not depth:
            yield _Entry(tuple(tokens), blank)


def _record(entry: _Entry, state: _State) -> Record | None:
    tokens = list(entry.tokens)
    if tokens[0].startswith("$"):
        _direct(tokens, state)
        return None
    if not entry.blank:
        state.owner = _full(tokens.pop(0), state.origin)
    ttl = state.ttl
    while tokens and (tokens[0].upper() in _CLASSES or _TTL.fullmatch(tokens[0])):
        word = tokens.pop(0)
        ttl = ttl if word.upper() in _CLASSES else _seconds(word)
    kind = tokens.pop(0).upper() if tokens else ""
    if kind not in _KINDS or not tokens:
        return None
    value = _full(tokens[0], state.origin) if kind == "CNAME" else "".join(tokens)
    return Record(state.owner, kind, (value,), ttl)


def _direct(tokens: Sequence[str], state: _State) -> None:
    word, value = tokens[0].upper(), tokens[1] if len(tokens) > 1 else ""
    if word == "$ORIGIN":
        state.origin = _full(value, state.origin)
    elif word == "$TTL" and _TTL.fullmatch(value):
        state.ttl = _seconds(value)


def _full(name: str, origin: str) -> str:
    name = name.lower()
    if name == "@":
        return origin
    return name[:-1] if name.endswith(".") else f"{name}.{origin}" if origin else name


def _seconds(text: str) -> int:
    parts = re.findall(r"(\d+)([smhdw]?)", text.lower())
    return sum(int(number) * _UNITS[unit or "s"] for number, unit in parts)
