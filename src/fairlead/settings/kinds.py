"""What every kind of value can do: read itself, say what it expects, give its schema."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fairlead.settings.place import At
from fairlead.settings.tree import Scalar

Schema = dict[str, Any]


def as_is(value: Any) -> Any:
    return value


class Kind(ABC):
    """One type of value. `shapes` are the YAML shapes that it may come in."""

    shapes: tuple[str, ...] = ("text",)

    @property
    @abstractmethod
    def expected(self) -> str:
        """What it takes, in words that follow "expected"."""

    @abstractmethod
    def read(self, at: At) -> Any:
        """The value for the model. SettingsError (or Problems) when it is not of this kind."""

    @abstractmethod
    def schema(self) -> Schema: ...

    def write(self, value: Any) -> Any:
        """As a file would say it; None when the value is not of this kind."""
        return value

    def fits(self, at: At) -> bool:
        return at.node.shape in self.shapes

    def text(self, at: At) -> str:
        """The scalar as written, when its shape is right."""
        if isinstance(at.node, Scalar) and self.fits(at):
            return at.node.text
        quotes = "text" in self.shapes and at.node.shape in {"boolean", "integer", "number", "date"}
        raise at.misshapen(self.expected, "write it in quotes" if quotes else "")
