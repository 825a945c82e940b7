"""Variables in Compose files: `${NAME:-default}`, from a `.env` file where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from fairlead.core.setup import At
from fairlead.inspect.hcl.results import Made, Piece
from fairlead.inspect.values import Value

MAX_DEPTH = 8
_START = re.compile(r"\$(\$|\{(?P<braced>[A-Za-z_]\w*)|(?P<bare>[A-Za-z_]\w*))")
_LINE = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*?)[ \t]*$")


def env_values(file: str, text: str) -> dict[str, Value]:
    """What a file of `NAME=value` lines sets."""
    found = {}
    for match in _LINE.finditer(text):
        raw = match.group(2)
        quoted = len(raw) > 1 and raw[0] in "\"'" and raw.endswith(raw[0])
        line = text.count("\n", 0, match.start(1)) + 1
        value = raw[1:-1] if quoted else re.split(r"\s#", raw)[0].strip()
        found[match.group(1)] = Value(value, (At(file, line),))
    return found


def filled(value: Value, known: Mapping[str, Value]) -> Value:
    """The tree with its variables replaced. A text that names one which is set nowhere, and has
    no default, is unknown."""
    if isinstance(value.data, str) and "$" in value.data:
        return _text(value, known)
    if isinstance(value.data, tuple):
        return replace(value, data=tuple(filled(item, known) for item in value.data))
    if isinstance(value.data, Mapping):
        members = {name: filled(item, known) for name, item in value.members()}
        return replace(value, data=members)
    return value


def _text(value: Value, known: Mapping[str, Value]) -> Value:
    pieces = tuple(_pieces(str(value.data), value, known, 0))
    values = [piece.value for piece in pieces if piece.value]
    origin = tuple(dict.fromkeys((*value.origin, *(at for v in values for at in v.origin))))
    lost = next((v.unknown for v in values if v.unknown), "")
    text = "".join(piece.text for piece in pieces)
    return Made(None if lost else text, origin, lost, (), pieces)


def _pieces(text: str, of: Value, known: Mapping[str, Value], depth: int) -> Iterator[Piece]:
    while match := _START.search(text):
        yield Piece(text[: match.start()], of.at)
        name, end = match["braced"] or match["bare"], match.end()
        if not name:
            yield Piece("$", of.at)
        elif match["braced"]:
            rest = text[end : (close := _closing(text, end))]
            end = close + 1
            yield from _braced(name, rest, of, known, depth)
        else:
            yield _plain(name, of, known)
        text = text[end:]
    yield Piece(text, of.at)


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    return len(text)


def _braced(
    name: str, rest: str, of: Value, known: Mapping[str, Value], depth: int
) -> Iterator[Piece]:
    """With `:-`, also an empty one is replaced; `+` replaces one that is set."""
    mark = rest.lstrip(":")[:1]
    given = known.get(name)
    there = given is not None and (bool(given.data) or not rest.startswith(":"))
    if mark in ("-", "+") and there == (mark == "+") and depth < MAX_DEPTH:
        yield from _pieces(rest.lstrip(":")[1:], of, known, depth + 1)
    elif mark != "+":
        yield _plain(name, of, known)


def _plain(name: str, of: Value, known: Mapping[str, Value]) -> Piece:
    unset = Value(None, of.origin, f"the variable {name} is set in none of the files")
    value = known.get(name, unset)
    text = "${" + name + "}" if value.unknown else str(value.data)
    return Piece(text, of.at, value=value)
