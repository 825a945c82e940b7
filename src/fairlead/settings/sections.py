"""Sections: mappings of known keys, each of its kind, with the rules between them.

Reading goes on after a problem, so that one run shows them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from fairlead.core.errors import SettingsError
from fairlead.settings.kinds import Kind, Schema, as_is
from fairlead.settings.place import At, noting, quoted, settle
from fairlead.settings.tree import Mapping as Entries
from fairlead.settings.tree import Scalar

T = TypeVar("T")
Fields = dict[str, Any]
"""Values by the dotted path of their field in the model."""


@dataclass(frozen=True)
class Key:
    """One key of a section.

    `field` is where its value goes in the model, whose default is the key's default (`default` says
    it in words where the model's would mislead). `implies` are further fields that its presence
    sets. The fields of a section inside are merged into those of the section around it.
    """

    name: str
    kind: Kind
    doc: str
    field: str = ""
    default: str = ""
    required: bool = False
    needs: str = ""
    excludes: tuple[str, ...] = ()
    implies: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Section(Kind):
    """A mapping of known keys. `model` is an instance that holds the defaults of its fields.

    `any_of`: at least one of these keys is needed. `rule` says what is wrong with the fields
    together, or nothing. `others`: kinds of name and value of entries that the user names; those
    with the known ones are at least one and at most `most`.
    """

    keys: tuple[Key, ...]
    model: Any = None
    make: Callable[[Fields], Any] = as_is
    any_of: tuple[str, ...] = ()
    rule: Callable[[Fields], str] = lambda _: ""
    others: tuple[Kind, Kind] | None = None
    most: int = 0
    shapes = ("mapping",)

    @property
    def expected(self) -> str:
        few = ", ".join(key.name for key in self.keys[:4])
        return f"a mapping of {few}{' …' if len(self.keys) > 4 else ''}"

    def read(self, at: At) -> Any:
        found: list[SettingsError] = []
        given = {key.text: (key, child) for key, child in entries(at, self, found)}
        fields: Fields = {}
        for name, (_, child) in given.items():
            with noting(found):
                fields |= self._one(name, child, given)
        with noting(found):
            self._complete(at, given)
        settle(found)
        if complaint := self.rule(fields):
            raise at.wrong(complaint)
        return self.make(fields)

    def _one(self, name: str, at: At, given: Mapping[str, Any]) -> Fields:
        key = next((key for key in self.keys if key.name == name), None)
        if key is None:
            return {name: self._other(name, at, given)}
        clash = next((other for other in key.excludes if other in given), None)
        if clash:
            raise _on_key(at, f"cannot be given together with {clash}")
        if key.needs and key.needs not in given:
            raise _on_key(at, f"is of use only with {key.needs}, which is not given")
        value = key.kind.read(at)
        own = {key.field: value} if key.field and not isinstance(value, dict) else value
        return {**dict(key.implies), **own}

    def _other(self, name: str, at: At, given: Mapping[str, Any]) -> Any:
        if self.others is None or not self.others[1].fits(at):
            raise self._unknown(name, at)
        named, kind = self.others
        named.read(At(at.document, given[name][0], at.path, at.key_line))
        return kind.read(at)

    def _unknown(self, name: str, at: At) -> SettingsError:
        known = [key.name for key in self.keys]
        near = get_close_matches(name[:64].lower(), known, 1)
        guess = f"did you mean {quoted(near[0])}? " if near else ""
        own = f"; one of your own takes {self.others[1].expected}" if self.others else ""
        return _on_key(at, f"unknown key; {guess}(known: {', '.join(known)}{own})")

    def _complete(self, at: At, given: Mapping[str, Any]) -> None:
        missing = [key.name for key in self.keys if key.required and key.name not in given]
        if missing:
            raise at.wrong(f"{quoted(missing[0])} is missing")
        if self.any_of and not any(name in given for name in self.any_of):
            *most, last = self.any_of
            raise at.wrong(f"one of {', '.join(most)} or {last} is needed")
        if self.others and not 1 <= len(given) <= self.most:
            raise at.wrong(f"expected 1 to {self.most} entries, found {len(given)}")

    def schema(self) -> Schema:
        made: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: _described(key, self.model) for key in self.keys},
        }
        required = [key.name for key in self.keys if key.required]
        needs = {key.name: [key.needs] for key in self.keys if key.needs}
        excludes = {
            key.name: {"properties": dict.fromkeys(key.excludes, False)}
            for key in self.keys
            if key.excludes
        }
        any_of = [{"required": [name]} for name in self.any_of]
        rules = {"required": required, "dependentRequired": needs, "dependentSchemas": excludes}
        made |= {name: rule for name, rule in (rules | {"anyOf": any_of}).items() if rule}
        return made | self._schema_of_others()

    def _schema_of_others(self) -> Schema:
        if self.others is None:
            return {}
        name, value = (kind.schema() for kind in self.others)
        count = {"minProperties": 1, "maxProperties": self.most}
        return {"additionalProperties": value, "propertyNames": name, **count}


def default_of(key: Key, model: Any) -> Any:
    """The model's default as a file would say it; None when there is none to say."""
    if not key.field or key.default or key.required or model is None:
        return None
    value = model
    for part in key.field.split("."):
        value = getattr(value, part)
    return key.kind.write(value)


def _described(key: Key, model: Any) -> Schema:
    default = default_of(key, model)
    described = {"description": key.doc} | ({} if default is None else {"default": default})
    return key.kind.schema() | described


def _on_key(at: At, message: str) -> SettingsError:
    """About the key rather than its value, which may stand some lines below."""
    return SettingsError(f"{at.path}: {message}", at.document.file, at.key_line)


def entries(at: At, kind: Kind, found: list[SettingsError]) -> Iterator[tuple[Scalar, At]]:
    """Each key once, with its value's place; a repeated key is noted and passed over."""
    if not isinstance(at.node, Entries):
        raise at.unexpected(kind.expected)
    lines: dict[str, int] = {}
    for key, node in at.node.entries:
        child = at.entry(key, node)
        if key.text in lines:
            found.append(_on_key(child, f"the same key is already on line {lines[key.text]}"))
        else:
            lines[key.text] = key.line
            yield key, child


def fill(base: T, fields: Mapping[str, Any]) -> T:
    """`base` with the fields at these dotted paths replaced."""
    direct: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, value in fields.items():
        head, _, rest = path.partition(".")
        if rest:
            nested[head][rest] = value
        else:
            direct[head] = value
    inner = {head: fill(getattr(base, head), values) for head, values in nested.items()}
    filled: T = replace(base, **direct, **inner)  # type: ignore[type-var]
    return filled
