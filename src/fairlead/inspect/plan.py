"""Plans, as `terraform show -json` writes them.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from fairlead.core.setup import At, Setup
from fairlead.inspect.hcl.documents import document
from fairlead.inspect.hcl.results import AFTER_APPLY, Made, Piece
from fairlead.inspect.lift.terraform import KINDS, lifted
from fairlead.inspect.values import Resource, Value

MOST_STEPS = 20  # from a reference to what it means, through variables and outputs
_KEY = re.compile(r"\[[^\]]*\]")
_RESOURCE = re.compile(r"(?:data\.)?[a-z][\w-]*\.[\w-]+(?:\[[^\]]*\])?")


def is_plan(text: str) -> bool:
    return '"planned_values"' in text and '"format_version"' in text


def read_plan(file: str, text: str) -> Setup:
    """What is there once the plan is carried out. Never raises for a text."""
    pieces = (Piece(text, At(file, 1), broken=True),)
    whole = document(Made(text, (At(file, 1),), pieces=pieces))
    changes = whole.get("resource_changes").items()
    later = {_text(c.get("address")): c.get("change").get("after_unknown") for c in changes}
    module = _Module(whole.get("configuration").get("root_module"))
    return lifted(tuple(_resources(whole.get("planned_values").get("root_module"), module, later)))


@dataclass(frozen=True, slots=True)
class _Module:
    """A module's configuration, with the call that it comes from. `prefix` is that of its
    addresses."""

    configuration: Value
    prefix: str = ""
    call: Value = field(default_factory=Value)
    caller: _Module | None = None

    def child(self, name: str, prefix: str) -> _Module:
        call = self.configuration.get("module_calls").get(name)
        return _Module(call.get("module"), prefix, call, self)


_Within = tuple[_Module, str]  # and the suffix of the instance's address


def _text(of: Value) -> str:
    return of.text().value or ""


def _resources(
    planned: Value, module: _Module, later: Mapping[str, Value], depth: int = 0
) -> Iterator[Resource]:
    described = {
        _text(of.get("address")): of for of in module.configuration.get("resources").items()
    }
    for of in planned.get("resources").items():
        if _text(of.get("type")) in KINDS and _text(of.get("mode")) != "data":
            address = _text(of.get("address"))
            base = _KEY.sub("", address.removeprefix(module.prefix))
            yield _resource(of, described.get(base, Value()), later.get(address, Value()), module)
    for inner in planned.get("child_modules").items() if depth < MOST_STEPS else ():
        address = _text(inner.get("address"))
        name = _KEY.sub("", address).rpartition("module.")[2]
        yield from _resources(inner, module.child(name, f"{address}."), later, depth + 1)


def _resource(of: Value, described: Value, later: Value, module: _Module) -> Resource:
    address = _text(of.get("address"))
    suffix = "".join(_KEY.findall(address.removeprefix(module.prefix))[-1:])
    settings = _joined(of.get("values"), described.get("expressions"), later, (module, suffix))
    return Resource(_text(of.get("type")), address, settings, of.at)


def _joined(value: Value, expressions: Value, later: Value, within: _Within) -> Value:
    """A planned value with what is known later marked, and with the references of its expression:
    values of resources that are there already are known, and say nothing of what they come from."""
    if expressions.get("references", "constant_value").given:
        refers = tuple(dict.fromkeys(_meant(expressions, within)))
        return _marked(value, later, expressions, refers)
    if isinstance(expressions.data, tuple) and isinstance(value.data, tuple):
        return Value(tuple(_joined_blocks(value, expressions, later, within)), value.origin)
    if isinstance(expressions.data, Mapping) and isinstance(value.data, Mapping):
        names = dict.fromkeys([*value.data, *expressions.data])
        members = {
            name: _joined(value.get(name), expressions.get(name), later.get(name), within)
            for name in names
        }
        return Value(members, value.origin)
    return _marked(value, later, expressions, ())


def _joined_blocks(
    value: Value, expressions: Value, later: Value, within: _Within
) -> Iterator[Value]:
    inner, marks = expressions.items(), later.items()
    for number, item in enumerate(value.items()):
        expression = inner[number] if number < len(inner) else Value()
        yield _joined(item, expression, marks[number] if number < len(marks) else Value(), within)


def _marked(value: Value, later: Value, said: Value, refers: tuple[str, ...]) -> Value:
    if later.data is True:
        origin = said.origin or value.origin
        return Value(origin=origin, unknown=AFTER_APPLY, refers=refers)
    if isinstance(later.data, tuple) and later.data:
        given = value.items()
        items = tuple(
            _marked(given[n] if n < len(given) else Value(), mark, said, refers)
            for n, mark in enumerate(later.data)
        )
        return Value(items, value.origin or said.origin, refers=refers)
    return replace(value, refers=refers)


def _meant(expression: Value, within: _Within, steps: int = 0) -> Iterator[str]:
    """Addresses of the resources that an expression refers to, through variables and outputs."""
    module, suffix = within
    references = [_text(of) for of in expression.get("references").items()]
    own = suffix if {"each.key", "each.value", "count.index"} & set(references) else ""
    for reference in references if steps < MOST_STEPS else ():
        kind, _, rest = reference.partition(".")
        if kind == "var" and module.caller:
            given = module.call.get("expressions").get(rest.partition(".")[0])
            yield from _meant(given, (module.caller, ""), steps + 1)
        elif kind == "module":
            yield from _output(rest, module, steps)
        elif found := _RESOURCE.match(reference):
            address = module.prefix + found.group()
            yield from (address + own, address) if own else (address,)


def _output(reference: str, module: _Module, steps: int) -> Iterator[str]:
    called, _, output = reference.partition(".")
    name = _KEY.sub("", called)
    child = module.child(name, f"{module.prefix}module.{called}.")
    given = child.configuration.get("outputs").get(output.partition(".")[0]).get("expression")
    yield from _meant(given, (child, ""), steps + 1)
