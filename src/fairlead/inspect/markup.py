"""YAML and JSON texts as trees of values that know their lines.

Read from YAML's events, so that depth is bounded before any recursion and a file that breaks off
still gives the documents before the break. JSON is read the same way: it is YAML, but for tabs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import yaml

from fairlead.core.setup import At
from fairlead.inspect.values import Scalar, Value

MAX_DEPTH = 64
MAX_VALUES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}")
_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "true": True, "false": False}
_SHORT_TAGS = frozenset(
    [
        "And",
        "Base64",
        "Cidr",
        "Equals",
        "FindInMap",
        "GetAtt",
        "GetAZs",
        "If",
        "ImportValue",
        "Join",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "Transform",
        "Length",
        "ToJsonString",
    ]
)
_CONTROL = re.compile(
    r"^[ \t]*(\{\{[-#/]?[^\n]*?\}\}|\{%[^\n]*?%\}|<%[^\n]*?%>)[ \t]*$", re.MULTILINE
)
_LEFT_OPEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|\$\{\{[^{}\n]*\}\}|\{\{[^{}\n]*\}\}'
    r"|\$\{[^{}\n]*\}|\{[A-Za-z_]\w*\}|<[A-Za-z_][\w .-]{0,60}>|%[A-Z_]{1,60}%"
    r"|\$\([^()\n]*\)|\$[A-Za-z_]\w*|(?<=: )[A-Z_]{3,}\b"
)


class _Bad(ValueError):
    """It is too deep, too large, or goes on where it must not."""


def documents(file: str, text: str) -> tuple[Value, ...]:
    """Those that can be read; none for a text that is neither YAML nor JSON. Never raises for one.

    Placeholders of a template that stand where YAML has none (`"cpu": ${CPU}`) become texts.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace("\t", " ")
    found, whole = _read(file, text)
    if whole:
        return found
    stand_in = _quoted if text.lstrip()[:1] in ("{", "[") else _bare
    filled, whole = _read(file, _LEFT_OPEN.sub(stand_in, _CONTROL.sub("", text)))
    return filled if whole else found


def block_start(lines: Sequence[str], at: At) -> int:
    """The line on which a text begins that a value at this line holds: the next one, where it is
    a block (`run: |`)."""
    line = lines[at.line - 1] if 0 < at.line <= len(lines) else ""
    return at.line + 1 if re.search(r"[|>][-+0-9]*\s*(#.*)?$", line) else at.line


def _bare(found: re.Match[str]) -> str:
    """A plain word, which may stand among others."""
    text = found.group()
    return text if text[0] in "\"'" else re.sub(r"\{\{-?\s*(.*?)\s*-?\}\}", r"<\1>", text)


def _quoted(found: re.Match[str]) -> str:
    text = found.group()
    return text if text[0] in "\"'" else '"' + text.replace('"', "'") + '"'


def _read(file: str, text: str) -> tuple[tuple[Value, ...], bool]:
    """The documents, and whether there was nothing else."""
    found: list[Value] = []
    try:
        found.extend(_Reader(file, text).documents())
    except (yaml.YAMLError, ValueError, OverflowError):
        return tuple(found), False
    return tuple(found), True


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._made = 0

    def documents(self) -> Iterator[Value]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._value(next(self._events), 0)

    def _value(self, event: Any, depth: int, line: int = 0) -> Value:
        """`line` is that of the key of a collection."""
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event.anchor)
        before, self._made = self._made, self._made + 1
        if depth > MAX_DEPTH or self._made > MAX_VALUES:
            raise _Bad("too deep, or too much")
        value = self._tagged(event, self._bare(event, depth, line))
        if event.anchor:
            self._anchors[event.anchor] = value, self._made - before
        return value

    def _aliased(self, anchor: str | None) -> Value:
        """What the alias stands for counts as often as it is used: little text must not become
        much."""
        value, size = self._anchors.get(anchor or "", (Value(), 1))
        self._made += size
        return value

    def _bare(self, event: Any, depth: int, line: int) -> Value:
        own = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            return Value(_scalar(event), (At(self._file, own),))
        origin = (At(self._file, line or own),)
        if isinstance(event, yaml.SequenceStartEvent):
            return Value(tuple(self._items(depth)), origin)
        if isinstance(event, yaml.MappingStartEvent):
            return Value(_merged(tuple(self._members(depth))), origin)
        raise _Bad("a document without content")

    def _tagged(self, event: Any, value: Value) -> Value:
        """CloudFormation's short tags are the functions of the same name."""
        name = (event.tag or "").removeprefix("!")
        if name in ("Ref", "Condition"):
            return Value({name: _texts(value)}, value.origin)
        return Value({f"Fn::{name}": value}, value.origin) if name in _SHORT_TAGS else value

    def _items(self, depth: int) -> Iterator[Value]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, depth + 1)

    def _members(self, depth: int) -> Iterator[tuple[str, Value]]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent):
                key = event.value
            else:
                key = f"({self._value(event, depth + 1).at.line})"
            yield key, self._value(next(self._events), depth + 1, line)


def _scalar(event: Any) -> Scalar:
    text: str = event.value
    if event.style or not event.implicit[0]:
        return text
    if text in _WORDS or text.lower() in ("true", "false"):
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _texts(value: Value) -> Value:
    return value if isinstance(value.data, str) else replace(value, data=str(value.data))


def _merged(members: tuple[tuple[str, Value], ...]) -> dict[str, Value]:
    """With the members of those under `<<`, which the own ones override."""
    made: dict[str, Value] = {}
    for key, value in members:
        for inner in value.items() if key == "<<" else ():
            made = dict(inner.members()) | made
    return made | {key: value for key, value in members if key != "<<"}
