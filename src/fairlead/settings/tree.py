"""Text -> a tree of scalars, lists and mappings that know their lines.

Read from YAML's events rather than through a loader: so duplicate keys are still there to be
refused, every value keeps its line and the text as it was written, and depth is bounded before any
recursion. Anchors, aliases and tags are refused: settings need none of them, and expanding aliases
is how a small file becomes a huge one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from fairlead.core.errors import SettingsError

MAX_BYTES = 1 << 20
MAX_DEPTH = 16

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS: dict[Any, Any] = yaml.SafeLoader.yaml_implicit_resolvers
_SHAPES = {
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    "null": "nothing",
    "timestamp": "date",
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """`text` is as written; `shape` is what YAML 1.1 makes of it when it stands without quotes."""

    line: int
    text: str
    shape: str


@dataclass(frozen=True, slots=True)
class Listing:
    line: int
    items: tuple[Node, ...]
    shape: str = "list"


@dataclass(frozen=True, slots=True)
class Mapping:
    """`entries` in file order, duplicate keys included."""

    line: int
    entries: tuple[tuple[Scalar, Node], ...]
    shape: str = "mapping"


Node = Scalar | Listing | Mapping


def read_tree(text: str, file: str) -> Node:
    """The one document in `text`. SettingsError when it is no YAML, too large or uses aliases."""
    try:
        if len(text.encode()) > MAX_BYTES:
            raise SettingsError(f"the file is larger than {MAX_BYTES >> 20} MiB", file)
        return _Reader(text, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SettingsError(_not_yaml(error), file, mark.line + 1 if mark else 0) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise SettingsError(f"this is not YAML: {error.reason}", file, line) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise SettingsError(f"this is not YAML: {type(error).__name__}", file) from None


def _not_yaml(error: yaml.MarkedYAMLError) -> str:
    context = f" {error.context}" if error.context else ""
    hint = "; a text that begins with * needs quotes" if "alias" in context else ""
    return f"this is not YAML: {error.problem}{context}{hint}"


def shape_of(text: str) -> str:
    """What YAML 1.1 reads an unquoted `text` as: text, boolean, integer, number, nothing or date"""
    for tag, pattern in [*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())]:
        if pattern.match(text):
            return _SHAPES.get(tag.rpartition(":")[2], "text")
    return "text"


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)

    def document(self) -> Node:
        next(self._events)
        if not isinstance(first := next(self._events), yaml.DocumentStartEvent):
            raise self._wrong("the file is empty", first)
        root = self._node(next(self._events), 0)
        next(self._events)
        if not isinstance(after := next(self._events), yaml.StreamEndEvent):
            raise self._wrong("one document is expected, a second begins here", after)
        return root

    def _node(self, event: Any, depth: int) -> Node:
        self._plain(event, depth)
        line = event.start_mark.line + 1
        if isinstance(event, yaml.SequenceStartEvent):
            return Listing(line, tuple(self._items(depth + 1)))
        if isinstance(event, yaml.MappingStartEvent):
            return Mapping(line, tuple(self._entries(depth + 1)))
        unquoted = event.implicit[0]
        return Scalar(line, event.value, shape_of(event.value) if unquoted else "text")

    def _plain(self, event: Any, depth: int) -> None:
        """Refuse what settings need not have."""
        if isinstance(event, yaml.AliasEvent):
            raise self._wrong(
                "aliases (*name) are not supported; a text that begins with * needs quotes", event
            )
        if event.anchor is not None:
            raise self._wrong(
                "anchors (&name) are not supported; a text that begins with & needs quotes", event
            )
        if event.tag is not None:
            raise self._wrong(
                "tags (!name) are not supported; a text that begins with ! needs quotes", event
            )
        if depth > MAX_DEPTH:
            raise self._wrong(f"nested deeper than {MAX_DEPTH} levels", event)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth)

    def _entries(self, depth: int) -> Iterator[tuple[Scalar, Node]]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key, Scalar):
                raise self._wrong("a key must be a plain word, not a list or mapping", event)
            yield key, self._node(next(self._events), depth)

    def _wrong(self, message: str, event: Any) -> SettingsError:
        return SettingsError(message, self._file, event.start_mark.line + 1)
