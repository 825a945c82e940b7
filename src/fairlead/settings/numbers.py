"""Whole numbers, shares, durations and sizes, each within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairlead.settings.kinds import Kind, Schema, as_is
from fairlead.settings.place import At

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_BYTES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_DURATION = r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h)"
_SIZE = r"([0-9]{1,9})([kKmMgG])(?:[iI]?[bB])?"
_PERCENT = r"([0-9]{1,4}(?:\.[0-9]{1,3})?)%"
_INTEGER = r"-?(?:0|[1-9][0-9]{0,12})"
_DECIMAL = r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"


@dataclass(frozen=True)
class Integer(Kind):
    """Decimal only: 010, 0x10, 1_000 and 1:30 are numbers to YAML, each a surprise."""

    low: int
    high: int
    make: Callable[[int], Any] = as_is
    shapes = ("integer",)

    @property
    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def read(self, at: At) -> Any:
        text = self.text(at)
        if not re.fullmatch(_INTEGER, text) or not self.low <= int(text) <= self.high:
            raise at.unexpected(self.expected)
        return self.make(int(text))

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Number(Kind):
    low: float
    high: float
    shapes = ("integer", "number")

    @property
    def expected(self) -> str:
        return f"a number from {self.low:.15g} to {self.high:.15g}"

    def read(self, at: At) -> float:
        text = self.text(at)
        if not re.fullmatch(_DECIMAL, text) or not self.low <= float(text) <= self.high:
            raise at.unexpected(self.expected)
        return float(text)

    def schema(self) -> Schema:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Percent(Kind):
    """With its sign: 0.6 and 60 are taken for one another too easily. `make` gets 60.0 of 60%."""

    low: float
    high: float
    make: Callable[[float], Any] = as_is
    shapes = ("text",)

    @property
    def expected(self) -> str:
        return f"a percentage from {self.low:g}% to {self.high:g}%"

    def read(self, at: At) -> Any:
        if at.node.shape in {"integer", "number"}:
            raise at.unexpected(self.expected, "write it with its sign, such as 60%")
        match = re.fullmatch(_PERCENT, self.text(at))
        if not match or not self.low <= float(match[1]) <= self.high:
            raise at.unexpected(self.expected)
        return self.make(float(match[1]))

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{_PERCENT}$"}


@dataclass(frozen=True)
class Duration(Kind):
    """Seconds; bounds in seconds too."""

    low: float
    high: float
    shapes = ("text", "integer", "number")

    @property
    def expected(self) -> str:
        return f"a duration from {self.write(self.low)} to {self.write(self.high)}"

    def read(self, at: At) -> float:
        seconds = _seconds(self.text(at), at.node.shape)
        if seconds is None:
            raise at.unexpected(
                self.expected, "write 250ms, 2s, 1m or 1h; a plain number is seconds"
            )
        if not self.low <= seconds <= self.high:
            raise at.unexpected(self.expected)
        return seconds

    def schema(self) -> Schema:
        number = {"type": "number", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "string", "pattern": f"^{_DURATION}$"}]}

    def write(self, value: float) -> str:
        milliseconds = round(value * 1000, 6)
        for unit, size in reversed(_MILLISECONDS.items()):
            if milliseconds >= size and milliseconds % size == 0:
                return f"{milliseconds / size:.0f}{unit}"
        return f"{milliseconds:g}ms" if value else "0s"


def _seconds(text: str, shape: str) -> float | None:
    if shape != "text":
        return float(text) if re.fullmatch(_DECIMAL, text) else None
    return seconds_of(text)


def seconds_of(text: str) -> float | None:
    """Of 250ms, 2s, 1m or 1h; None for what is none of them."""
    match = re.fullmatch(_DURATION, text)
    return float(match[1]) * _MILLISECONDS[match[2]] / 1000 if match else None


@dataclass(frozen=True)
class Size(Kind):
    """Bytes; k, m and g are powers of 1024, as in nginx."""

    low: int
    high: int
    shapes = ("text", "integer")

    @property
    def expected(self) -> str:
        return f"a size from {self.write(self.low)} to {self.write(self.high)}"

    def read(self, at: At) -> int:
        size = _bytes(self.text(at), at.node.shape)
        if size is None:
            raise at.unexpected(self.expected, "write 512k, 10m or 1g; a plain number is bytes")
        if not self.low <= size <= self.high:
            raise at.unexpected(self.expected)
        return size

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "string", "pattern": f"^{_SIZE}$"}]}

    def write(self, value: int) -> str | int:
        for unit, size in reversed(_BYTES.items()):
            if value >= size and value % size == 0:
                return f"{value // size}{unit}"
        return value


def _bytes(text: str, shape: str) -> int | None:
    if shape == "integer":
        return int(text) if re.fullmatch(_INTEGER, text) else None
    match = re.fullmatch(_SIZE, text)
    return int(match[1]) * _BYTES[match[2].lower()] if match else None
