"""Functions that encode, decode and join. What went in stays readable, known or not."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence

import yaml

from fairlead.core.setup import At
from fairlead.inspect.hcl.documents import document
from fairlead.inspect.hcl.results import (
    Made,
    Piece,
    Unresolved,
    known,
    plain,
    refers_of,
    unknown,
    used,
    written,
)
from fairlead.inspect.hcl.scalars import formatted
from fairlead.inspect.hcl.texts import joined, pieces_of
from fairlead.inspect.values import Value

Given = Sequence[Value]
MOST_YAML = 100_000


def _encoded(dump: Callable[[object], str]) -> Callable[[Given, At], Value]:
    def encode(given: Given, at: At) -> Value:
        value, refers = given[0], refers_of(given[:1])
        try:
            text = dump(plain(value))
        except Unresolved as lost:
            return Made(None, (at,), lost.value.unknown, refers, inner=value)
        return Made(text, (at,), "", refers, inner=value)

    return encode


def _as_json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=True)


def _as_yaml(data: object) -> str:
    return yaml.safe_dump(data, default_flow_style=False)


def _decoded(load: Callable[[str], object]) -> Callable[[Given, At], Value]:
    def decode(given: Given, at: At) -> Value:
        if isinstance(given[0], Made) and given[0].inner is not None:
            return used(given[0].inner, at)
        try:
            return known(load(str(plain(given[0]))), at)
        except (json.JSONDecodeError, yaml.YAMLError) as fault:
            raise ValueError("it cannot be decoded") from fault

    return decode


def _jsondecode(given: Given, at: At) -> Value:
    """A text whose lines are known keeps them, and what of it is known where not all is."""
    if not isinstance(given[0], Made) or not given[0].pieces:
        return _decoded(json.loads)(given, at)
    found = document(given[0])
    if found.unknown and not given[0].unknown:
        raise ValueError("it cannot be decoded")
    return used(found, at)


def _trimmed(given: Given, at: At) -> Value:
    """White space matters to no reader, so that a text keeps its parts."""
    if isinstance(given[0], Made) and given[0].pieces:
        return used(given[0], at)
    return Value(str(plain(given[0])).strip(), (at, *given[0].origin)[:8], refers=given[0].refers)


def _format(given: Given, at: At) -> Value:
    """What is known of a text stays so where some of its parts are not."""
    form, rest = str(plain(given[0])), iter(given[1:])
    if not any(isinstance(value, Made) or value.unknown for value in given[1:]):
        text = formatted(form, *(plain(value) for value in given[1:]))
        steps = dict.fromkeys((at, *(step for value in given for step in value.origin)))
        return Value(text, tuple(steps)[:8], refers=refers_of(given))
    pieces: list[Piece] = []
    for part in re.split(r"(%[sv%])", form):
        if part in ("%s", "%v"):
            pieces += pieces_of(next(rest, Value(unknown="an argument is missing")), at)
        elif "%" in part.replace("%%", ""):
            raise Unresolved(unknown(at, "a verb needs what is not known", *given))
        else:
            pieces.append(Piece(part.replace("%%", "%"), at))
    return joined(pieces, at)


def _from_yaml(text: str) -> object:
    """Without aliases, which could make much out of little."""
    if len(text) > MOST_YAML or any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text)):
        raise ValueError("it has aliases, or is too long")
    return yaml.safe_load(text)


def _readable(given: Given, at: At) -> Value:
    """A text that is encoded, or packed, for the machine alone: the text itself is of use here."""
    return used(given[0], at)


def _base64decode(given: Given, at: At) -> Value:
    """`base64encode` keeps the text, so that only one written in base64 is decoded here."""
    text = str(plain(given[0]))
    try:
        return known(base64.b64decode(text, validate=True).decode(), at)
    except (binascii.Error, UnicodeDecodeError):
        return used(given[0], at)


def _join(given: Given, at: At) -> Value:
    """What is known of a text stays so where some of its parts are not."""
    if given[0].unknown or any(value.unknown for value in given[1:]):
        raise Unresolved(next(value for value in given if value.unknown))
    if not all(isinstance(value.data, tuple) for value in given[1:]):
        raise TypeError("it is no list")
    pieces: list[Piece] = []
    for item in (item for value in given[1:] for item in value.items()):
        if isinstance(item.data, tuple | dict):
            raise TypeError("it is no text")
        pieces += [Piece(written(given[0]), at)] if pieces else []
        pieces += pieces_of(item, at)
    return joined(pieces, at)


ENCODINGS: dict[str, Callable[[Given, At], Value]] = {
    "join": _join,
    "jsonencode": _encoded(_as_json),
    "yamlencode": _encoded(_as_yaml),
    "jsondecode": _jsondecode,
    "trimspace": _trimmed,
    "format": _format,
    "yamldecode": _decoded(_from_yaml),
    "base64encode": _readable,
    "base64gzip": _readable,
    "textencodebase64": _readable,
    "base64decode": _base64decode,
}
