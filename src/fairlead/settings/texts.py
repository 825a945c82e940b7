"""Flags, words and texts that match a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fairlead.settings.kinds import Kind, Schema, as_is
from fairlead.settings.place import At
from fairlead.settings.tree import Scalar


@dataclass(frozen=True)
class Literal(Kind):
    """Exactly this word, which stands for `value`."""

    word: str | bool
    value: Any

    @property
    def shapes(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("boolean",) if isinstance(self.word, bool) else ("text",)

    @property
    def expected(self) -> str:
        return str(self.word).lower() if isinstance(self.word, bool) else self.word

    def fits(self, at: At) -> bool:
        return super().fits(at) and isinstance(at.node, Scalar) and at.node.text == self.expected

    def read(self, at: At) -> Any:
        self.text(at)
        return self.value

    def schema(self) -> Schema:
        return {"const": self.word}

    def write(self, value: Any) -> Any:
        return self.word if value == self.value else None


class Flag(Kind):
    """YAML 1.1's yes, no, on and off are refused: other readers take them for text."""

    shapes = ("boolean",)
    expected = "true or false"

    def read(self, at: At) -> bool:
        if (text := self.text(at)) not in {"true", "false"}:
            raise at.unexpected(self.expected)
        return text == "true"

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    options: tuple[str, ...]
    make: Callable[[str], Any] = as_is

    @property
    def expected(self) -> str:
        *most, last = self.options
        return f"{', '.join(most)} or {last}" if most else last

    def read(self, at: At) -> Any:
        if (text := self.text(at)) in self.options:
            return self.make(text)
        near = get_close_matches(text[:64], self.options, 1)
        raise at.unexpected(self.expected, f'did you mean "{near[0]}"?' if near else "")

    def schema(self) -> Schema:
        return {"enum": list(self.options)}

    def write(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Text(Kind):
    """Text that matches `pattern` as a whole. `hints`: (pattern, advice) for frequent mistakes."""

    what: str
    pattern: str
    limit: int = 255
    make: Callable[[str], Any] = as_is
    hints: tuple[tuple[str, str], ...] = ()
    show: Callable[[Any], Any] = as_is

    @property
    def expected(self) -> str:
        return self.what

    def read(self, at: At) -> Any:
        text = self.text(at)
        if len(text) > self.limit:
            raise at.unexpected(f"{self.what} of at most {self.limit} characters")
        if not re.fullmatch(self.pattern, text):
            hint = next((advice for sign, advice in self.hints if re.search(sign, text)), "")
            raise at.unexpected(self.what, hint)
        return self.make(text)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.limit}

    def write(self, value: Any) -> Any:
        return self.show(value)


@dataclass(frozen=True)
class Written(Kind):
    """Any scalar, taken as it is written: 8080 and true are the texts "8080" and "true"."""

    what: str
    limit: int

    shapes = ("text", "boolean", "integer", "number", "date")

    @property
    def expected(self) -> str:
        return self.what

    def read(self, at: At) -> str:
        if at.node.shape == "nothing":
            raise at.unexpected(self.what, 'an empty text is ""')
        text = self.text(at)
        if len(text) > self.limit:
            raise at.unexpected(f"{self.what} of at most {self.limit} characters")
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            raise at.unexpected(f"{self.what} without NUL")
        return text

    def schema(self) -> Schema:
        return {"type": ["string", "number", "boolean"], "maxLength": self.limit}
