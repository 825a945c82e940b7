"""What CloudFormation's functions yield before anything is made: by its parameters' defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from fairlead.inspect.hcl.results import (
    AFTER_APPLY,
    Made,
    Piece,
    Unresolved,
    plain,
    refers_of,
    unknown,
    used,
    written,
)
from fairlead.inspect.values import Value

MAX_DEPTH = 60
MAX_VALUES = 100_000
NO_VALUE = Value(refers=("AWS::NoValue",))
_NAMED = re.compile(r"\$\{(!?)\s*([^}\s]*)\s*\}")


def _no_output(_name: str, _output: str) -> Value:
    return Value()


class Template:
    """The functions of one template. Each value comes out known, or unknown with the reason.
    `given` are parameters, `path` stands before the names of its resources, and `output` tells what
    a nested stack gives."""

    def __init__(
        self,
        whole: Value,
        given: Mapping[str, Value] = MappingProxyType({}),
        path: str = "",
        output: Callable[[str, str], Value] = _no_output,
    ) -> None:
        self._whole, self._made = whole, 0
        self._given, self._path, self._output = given, path, output
        self._functions: Mapping[str, Callable[[Value, int], Value]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find,
            "Fn::Base64": self.value,
        }

    def value(self, of: Value, depth: int = 0) -> Value:
        """It, with functions applied, and without what is AWS::NoValue."""
        self._made += 1
        if depth > MAX_DEPTH or self._made > MAX_VALUES:
            return unknown(of.at, "the template is too deep, or too large")
        if isinstance(of.data, tuple):
            items = (self.value(item, depth + 1) for item in of.data)
            return replace(of, data=tuple(item for item in items if item is not NO_VALUE))
        if not isinstance(of.data, Mapping):
            return of
        name = next(iter(of.data)) if len(of.data) == 1 else ""
        if name in self._functions:
            return self._functions[name](replace(of.data[name], origin=of.origin), depth + 1)
        if name.startswith("Fn::"):
            return unknown(of.at, f"{name} is not known before the stack is made")
        members = ((key, self.value(item, depth + 1)) for key, item in of.members())
        return replace(of, data={k: item for k, item in members if item is not NO_VALUE})

    def holds(self, name: str, depth: int = 0) -> bool | None:
        """Whether a condition does; None where that is not known."""
        return self._true(self._whole.get("Conditions").get(name), depth + 1)

    def _true(self, of: Value, depth: int) -> bool | None:
        if depth > MAX_DEPTH or not isinstance(of.data, Mapping) or len(of.data) != 1:
            return None
        ((name, given),) = of.members()
        if name == "Condition":
            return self.holds(str(given.data), depth)
        if name == "Fn::Equals":
            return self._equal(given, depth)
        each = [self._true(item, depth + 1) for item in given.items()]
        if name == "Fn::Not" and each:
            return None if each[0] is None else not each[0]
        if name not in ("Fn::And", "Fn::Or"):
            return None
        decisive = name == "Fn::Or"
        return decisive if decisive in each else None if None in each else not decisive

    def _equal(self, given: Value, depth: int) -> bool | None:
        sides = [self.value(item, depth) for item in given.items()]
        if len(sides) != 2 or any(side.unknown for side in sides):
            return None
        return written(sides[0]) == written(sides[1])

    def _ref(self, of: Value, _: int) -> Value:
        return self._named(str(of.data), of)

    def _named(self, name: str, of: Value) -> Value:
        if name == "AWS::NoValue":
            return NO_VALUE
        parameter = self._whole.get("Parameters").get(name)
        if parameter.given:
            return self._default(name, parameter, of)
        if self._whole.get("Resources").get(name).given:
            return self._later(name, of)
        return unknown(of.at, f"{name} is known only to AWS")

    def _later(self, name: str, of: Value) -> Value:
        """What a resource of this template is, once there is one."""
        return Value(None, of.origin, AFTER_APPLY, (self._path + name,) if name else ())

    def _default(self, name: str, parameter: Value, of: Value) -> Value:
        given, kind = parameter.get("Default"), str(parameter.get("Type").data)
        given = self._given.get(name, given)
        if not given.given or kind.startswith("AWS::SSM::"):
            return unknown(of.at, f"the parameter {name} has no default in the template")
        if given.unknown or isinstance(given.data, tuple):
            return used(given, of.at)
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            texts = written(given).split(",")
            given = replace(given, data=tuple(Value(t.strip(), given.origin) for t in texts))
        return used(given, of.at)

    def _attribute(self, of: Value, depth: int) -> Value:
        named = ".".join(written(self.value(item, depth)) for item in of.items())
        return self._of_resource(named, of)

    def _of_resource(self, named: str, of: Value) -> Value:
        """`Name.Attribute`; of a nested stack `Name.Outputs.Name`."""
        name, _, attribute = named.partition(".")
        kind, _, output = attribute.partition(".")
        found = self._output(name, output) if kind == "Outputs" else Value()
        return used(found, of.at) if found.given else self._later(name, of)

    def _sub(self, of: Value, depth: int) -> Value:
        """`${!Name}` is a literal `${Name}`."""
        parts = of.items()
        text = written(parts[0]) if parts else ""
        own = parts[1] if len(parts) > 1 else Value()
        pieces = tuple(self._pieces(text, own, of, depth))
        values = [piece.value for piece in pieces if piece.value]
        if any(value.unknown for value in values):
            lost = next(value.unknown for value in values if value.unknown)
            return Made(None, of.origin, lost, refers_of(values), pieces)
        origin = tuple(dict.fromkeys((*of.origin, *(at for v in values for at in v.origin))))
        return Value("".join(p.text for p in pieces), origin[:8], "", refers_of(values))

    def _pieces(self, text: str, own: Value, of: Value, depth: int) -> Iterator[Piece]:
        end = 0
        for found in _NAMED.finditer(text):
            yield Piece(text[end : found.start()], of.at, True)
            end = found.end()
            literal, name = found.groups()
            if literal:
                yield Piece("${" + name + "}", of.at)
                continue
            value = self._substituted(name, own, of, depth)
            yield Piece(found.group() if value.unknown else written(value), of.at, value=value)
        yield Piece(text[end:], of.at, True)

    def _substituted(self, name: str, own: Value, of: Value, depth: int) -> Value:
        given = own.get(name)
        if given.given:
            return self.value(given, depth)
        return self._of_resource(name, of) if "." in name else self._named(name, of)

    def _join(self, of: Value, depth: int) -> Value:
        separator, parts = (*of.items(), Value(), Value())[:2]
        given = self.value(parts, depth)
        glue = written(self.value(separator, depth))
        pieces: list[Piece] = []
        for item in given.items() if not given.unknown else (given,):
            text = "${" + (item.refers[0] if item.refers else "unknown") + "}"
            pieces += [Piece(glue, of.at)] if pieces else []
            pieces.append(Piece(text if item.unknown else written(item), item.at, True, item))
        values = [piece.value for piece in pieces if piece.value]
        lost = next((value.unknown for value in values if value.unknown), "")
        text = "".join(piece.text for piece in pieces)
        return Made(None if lost else text, of.origin, lost, refers_of(values), tuple(pieces))

    def _select(self, of: Value, depth: int) -> Value:
        index, parts = (self.value(item, depth) for item in (*of.items(), Value(), Value())[:2])
        number = index.number().value
        items = parts.items()
        if parts.unknown or number is None or not 0 <= number < len(items):
            return unknown(of.at, "which one of the list is not known", parts)
        return used(items[number], of.at)

    def _split(self, of: Value, depth: int) -> Value:
        mark, text = (self.value(item, depth) for item in (*of.items(), Value(), Value())[:2])
        if text.unknown or not written(mark):
            return unknown(of.at, "what is split is not known", text)
        parts = written(text).split(written(mark))
        return replace(text, data=tuple(Value(part, text.origin) for part in parts))

    def _if(self, of: Value, depth: int) -> Value:
        name, then, otherwise = (*of.items(), Value(), Value(), Value())[:3]
        holds = self.holds(written(name))
        if holds is not None:
            return self.value(then if holds else otherwise, depth)
        sides = [self.value(side, depth) for side in (then, otherwise)]
        try:
            if plain(sides[0]) == plain(sides[1]):
                return sides[0]
        except Unresolved:
            pass
        return unknown(of.at, f"whether {written(name)} holds is not known", *sides)

    def _find(self, of: Value, depth: int) -> Value:
        found = self._whole.get("Mappings")
        for item in of.items()[:3]:
            key = self.value(item, depth)
            if key.unknown:
                return unknown(of.at, "which one of the mapping is not known", key)
            found = found.get(written(key))
        return used(found, of.at) if found.given else unknown(of.at, "it is not in the mapping")
