"""Mappings of names that the user chooses, lists, and choices between kinds.

Reading goes on after a problem, so that one run shows them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairlead.core.errors import SettingsError
from fairlead.settings.kinds import Kind, Schema, as_is
from fairlead.settings.place import At, noting, settle
from fairlead.settings.sections import entries
from fairlead.settings.tree import Listing, Scalar


@dataclass(frozen=True)
class MapOf(Kind):
    """A mapping of names that the user chooses."""

    name: Kind
    value: Kind
    what: str
    limit: int
    make: Callable[[dict[str, Any]], Any] = as_is
    shapes = ("mapping",)

    @property
    def expected(self) -> str:
        return f"a mapping of {self.what}"

    def read(self, at: At) -> Any:
        found: list[SettingsError] = []
        made: dict[str, Any] = {}
        for key, child in entries(at, self, found):
            with noting(found):
                name = self.name.read(At(at.document, key, child.path, key.line))
                made[name] = self.value.read(child)
        if len(made) > self.limit:
            found.append(at.wrong(f"expected at most {self.limit} entries, found {len(made)}"))
        settle(found)
        return self.make(made)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": self.name.schema(),
            "additionalProperties": self.value.schema(),
            "maxProperties": self.limit,
        }


@dataclass(frozen=True)
class ListOf(Kind):
    """A list; with `single` one item may stand alone. `distinct` names what must not come twice.

    `scope` is empty for "in this list", else items are distinct among all lists of that scope.
    """

    item: Kind
    what: str
    most: int
    least: int = 1
    single: bool = False
    distinct: str = ""
    scope: str = ""
    make: Callable[[list[Any]], Any] = tuple
    identity: Callable[[Any], Any] = as_is

    @property
    def shapes(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("list", *self.item.shapes) if self.single else ("list",)

    @property
    def expected(self) -> str:
        if self.single:
            return f"{self.item.expected}, or a list of {self.what}"
        return f"a list of {self.what}"

    def read(self, at: At) -> Any:
        if not isinstance(at.node, Listing) and not self.single:
            hint = "write it as a list" if isinstance(at.node, Scalar) else ""
            raise at.unexpected(self.expected, hint)
        found: list[SettingsError] = []
        items = []
        for child in self._children(at):
            with noting(found):
                items.append(value := self.item.read(child))
                if self.distinct:
                    child.claim(self.distinct, self.scope or at.path, self.identity(value))
        settle(found)
        return self.make(items)

    def _children(self, at: At) -> list[At]:
        if not isinstance(at.node, Listing):
            return [at]
        if not self.least <= (count := len(at.node.items)) <= self.most:
            raise at.wrong(f"expected {self.least} to {self.most} items, found {count}")
        return [at.item(index, node) for index, node in enumerate(at.node.items)]

    def schema(self) -> Schema:
        item = self.item.schema()
        listed = {"type": "array", "items": item, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [item, listed]} if self.single else listed

    def write(self, value: Any) -> Any:
        written = [self.item.write(one) for one in value]
        return written[0] if self.single and len(written) == 1 else written


@dataclass(frozen=True)
class Either(Kind):
    """The first option that fits the value's shape reads it."""

    options: tuple[Kind, ...]

    @property
    def shapes(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(shape for option in self.options for shape in option.shapes)

    @property
    def expected(self) -> str:
        return " or ".join(option.expected for option in self.options)

    def read(self, at: At) -> Any:
        option = next((option for option in self.options if option.fits(at)), None)
        if option is None:
            raise at.misshapen(self.expected)
        return option.read(at)

    def schema(self) -> Schema:
        return {"anyOf": [option.schema() for option in self.options]}

    def write(self, value: Any) -> Any:
        written = (option.write(value) for option in self.options)
        return next((one for one in written if one is not None), None)
