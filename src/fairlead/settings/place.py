"""Where a value stands in a settings file, and the errors that name the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fairlead.core.errors import SettingsError
from fairlead.settings.tree import Node, Scalar

_SHOWN = 48
_ARTICLES = {
    "boolean": "a boolean",
    "integer": "a whole number",
    "number": "a number",
    "date": "a date",
}


class Problems(SettingsError):
    """Several problems, told a line each; file and line are those of the first."""

    def __init__(self, found: list[SettingsError]) -> None:
        self.found = sorted(found, key=lambda problem: problem.line)
        first = self.found[0]
        super().__init__(first.message, first.file, first.line)

    def __str__(self) -> str:
        return "\n".join(map(str, self.found))


@contextmanager
def noting(found: list[SettingsError]) -> Iterator[None]:
    """Keep what goes wrong inside for later, so that one run shows every problem."""
    try:
        yield
    except Problems as several:
        found.extend(several.found)
    except SettingsError as problem:
        found.append(problem)


def settle(found: list[SettingsError]) -> None:
    """Problems when there are any."""
    if found:
        raise Problems(found)


@dataclass(frozen=True, slots=True)
class Document:
    """What holds for a whole file. `seen`: where each value that must be unique came first."""

    file: str
    seen: dict[tuple[str, object], At] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class At:
    """One value and the way to it."""

    document: Document
    node: Node
    path: str = ""
    key_line: int = 1

    @property
    def line(self) -> int:
        """A list or mapping is looked for where its key stands."""
        if isinstance(self.node, Scalar) and self.node.shape != "nothing":
            return self.node.line
        return self.key_line

    def entry(self, key: Scalar, node: Node) -> At:
        name = escaped(key.text)
        return At(self.document, node, f"{self.path}.{name}" if self.path else name, key.line)

    def item(self, index: int, node: Node) -> At:
        return At(self.document, node, f"{self.path}[{index}]", node.line)

    def wrong(self, message: str) -> SettingsError:
        where = f"{self.path}: " if self.path else ""
        return SettingsError(where + message, self.document.file, self.line)

    def unexpected(self, expected: str, hint: str = "") -> SettingsError:
        return self.wrong(
            f"expected {expected}, found {self._found()}{f'; {hint}' if hint else ''}"
        )

    def misshapen(self, expected: str, hint: str = "") -> SettingsError:
        """As unexpected, and says what YAML takes the value for: on is a boolean, 1:30 a number."""
        article = _ARTICLES.get(self.node.shape)
        found = self._found() + (f" ({article} to YAML)" if article else "")
        return self.wrong(f"expected {expected}, found {found}{f'; {hint}' if hint else ''}")

    def _found(self) -> str:
        """The value in a few words."""
        if not isinstance(self.node, Scalar):
            return f"a {self.node.shape}"
        if self.node.shape == "nothing":
            return "nothing"
        return (quoted if self.node.shape == "text" else escaped)(self.node.text)

    def claim(self, what: str, scope: str, value: object) -> None:
        """SettingsError when this value was there before, in the same scope."""
        first = self.document.seen.setdefault((scope, value), self)
        if first is not self:
            told = f"the {what} {escaped(str(value))}"
            raise self.wrong(f"{told} is already at {first.path} (line {first.line})")


def escaped(text: str) -> str:
    """Shortened, and with nothing in it that a terminal obeys."""
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def quoted(text: str) -> str:
    return f'"{escaped(text)}"'
