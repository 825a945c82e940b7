"""What evaluation yields beside plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fairlead.core.setup import NOWHERE, At
from fairlead.inspect.values import Value

MOST_STEPS = 8  # of an origin
MOST_LEVELS = 60
AFTER_APPLY = "it is known only after it is made"


def _nothing(_: str) -> Value:
    return Value(unknown=AFTER_APPLY)


@dataclass(frozen=True, slots=True)
class Thing(Value):
    """A resource, a data source, a module or a set of names: its members are worked out when they
    are asked for. `several`: how many there are of it is not known."""

    look: Callable[[str], Value] = _nothing
    several: bool = False


@dataclass(frozen=True, slots=True)
class Fault(Value):
    """An expression that fails, as `try` and `can` see it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text. `broken`: its line breaks are those of the file that `at` names.
    `value` is what was interpolated; where it is not known, `text` is a stand-in for it."""

    text: str
    at: At = NOWHERE
    broken: bool = False
    value: Value | None = None

    @property
    def lost(self) -> bool:
        return self.value is not None and bool(self.value.unknown)


@dataclass(frozen=True, slots=True)
class Made(Value):
    """A text and what it was made of: pieces, or the value that was encoded."""

    pieces: tuple[Piece, ...] = ()
    inner: Value | None = None


def used(value: Value, at: At) -> Value:
    """The same, with one more step before its origin."""
    if value.origin[:1] == (at,):
        return value
    return replace(value, origin=(at, *value.origin)[:MOST_STEPS])


def referring(value: Value, *addresses: str) -> Value:
    """The same, known to come from these resources too."""
    fresh = tuple(address for address in addresses if address not in value.refers)
    return replace(value, refers=(*value.refers, *fresh)) if fresh else value


def within(refers: tuple[str, ...], step: str) -> tuple[str, ...]:
    """The same, where they are variables without a value with the part of it that is meant."""
    variable = [f".{address}".rpartition(".var.")[1] for address in refers]
    return tuple(a + step if of else a for a, of in zip(refers, variable, strict=True))


def refers_of(values: Iterable[Value]) -> tuple[str, ...]:
    """Those of all of them, and of what they contain."""
    found: dict[str, None] = {}
    for value in values:
        found |= dict.fromkeys(value.refers)
        if isinstance(value.data, tuple):
            found |= dict.fromkeys(refers_of(value.data))
        elif isinstance(value.data, dict):
            found |= dict.fromkeys(refers_of(value.data.values()))
    return tuple(found)[:50]


def unknown(at: At, why: str, *values: Value) -> Value:
    """Unknown because one of the values is, or for the reason."""
    because = next((value.unknown for value in values if value.unknown), why)
    return Value(origin=(at,), unknown=because, refers=refers_of(values))


def known(data: object, at: At, levels: int = 0) -> Value:
    """Plain data as a tree of values. Raises ValueError where it is nested too deeply."""
    if levels > MOST_LEVELS:
        raise ValueError("it is nested too deeply")
    if isinstance(data, dict):
        members = {str(name): known(item, at, levels + 1) for name, item in data.items()}
        return Value(members, (at,))
    if isinstance(data, list | tuple):
        return Value(tuple(known(item, at, levels + 1) for item in data), (at,))
    if data is None or isinstance(data, str | int | float | bool):
        return Value(data, (at,))
    return Value(str(data), (at,))


class Unresolved(Exception):
    """Some part of a value that is needed as a whole is not known."""

    def __init__(self, value: Value) -> None:
        super().__init__(value.unknown)
        self.value = value


def plain(value: Value) -> object:
    """A tree of values as plain data. Raises Unresolved."""
    if value.unknown:
        raise Unresolved(value)
    if isinstance(value.data, tuple):
        return [plain(item) for item in value.data]
    if isinstance(value.data, dict):
        return {name: plain(item) for name, item in value.data.items()}
    return value.data


def written(value: Value) -> str:
    """A scalar as it stands in a template; nothing where it is none."""
    data = value.data
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, float) and data.is_integer() and abs(data) < 2**53:
        return str(int(data))
    return str(data) if isinstance(data, str | int | float) else ""
