"""`count` and `for_each`: which instances there are of a resource or module."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fairlead.inspect.hcl.results import Thing, Unresolved, plain, unknown, written
from fairlead.inspect.hcl.syntax import Body, Expression
from fairlead.inspect.values import Value

MOST_INSTANCES = 200


@dataclass(frozen=True, slots=True)
class Instance:
    """`suffix` follows the address; `names` are bound within it; `unsure` says why it is not known
    how many there are, where it stands for all of them."""

    suffix: str = ""
    key: str | int | None = None
    names: Mapping[str, Value] = field(default_factory=dict)
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class Instances:
    """`kind` is `one`, `count`, `each` or `unsure`."""

    kind: str
    all: tuple[Instance, ...]

    def gathered(self, make: Callable[[Instance], Value]) -> Value:
        """What the address without a key stands for."""
        if self.kind == "count":
            return Value(tuple(make(one) for one in self.all))
        if self.kind == "each":
            return Value({str(one.key): make(one) for one in self.all})
        return make(self.all[0])


def instances(body: Body, evaluate: Callable[[Expression], Value]) -> Instances:
    """Those of a block."""
    if "count" in body.attributes:
        return _counted(evaluate(body.attributes["count"]))
    if "for_each" in body.attributes:
        return _each(evaluate(body.attributes["for_each"]))
    return Instances("one", (Instance(),))


def _counted(count: Value) -> Instances:
    number = count.number()
    if number.value is None:
        why = f"its count is not known: {number.unknown or 'it is null'}"
        lost = unknown(count.at, why, Value(refers=count.refers))
        return _unsure(why, {"count": Value({"index": lost})})
    if number.value > MOST_INSTANCES:
        return _unsure(f"its count is {number.value}", {"count": Value({"index": Value(0)})})
    indices = range(max(number.value, 0))
    return Instances("count", tuple(_numbered(n, count) for n in indices))


def _numbered(index: int, count: Value) -> Instance:
    names = {"count": Value({"index": Value(index, count.origin[:1])})}
    return Instance(f"[{index}]", index, names)


def _each(over: Value) -> Instances:
    pairs = _pairs(over)
    if pairs is None or len(pairs) > MOST_INSTANCES:
        why = f"its for_each is not known: {over.unknown or 'an element is not known'}"
        lost = Thing(origin=over.origin, unknown=why, refers=over.refers)
        lost = Thing(lost.data, lost.origin, why, lost.refers, lambda _: lost, several=True)
        return _unsure(why, {"each": Value({"key": lost, "value": lost})})
    return Instances("each", tuple(_keyed(name, value, over) for name, value in pairs.items()))


def _pairs(over: Value) -> dict[str, Value] | None:
    if over.unknown:
        return None
    if isinstance(over.data, Mapping):
        return dict(over.data)
    try:
        plain(over)
    except Unresolved:
        return None
    return {written(item): item for item in over.items()}


def _keyed(name: str, value: Value, over: Value) -> Instance:
    each = Value({"key": Value(name, over.origin[:1]), "value": value})
    return Instance(f"[{json.dumps(name)}]", name, {"each": each})


def _unsure(why: str, names: Mapping[str, Value]) -> Instances:
    return Instances("unsure", (Instance(names=names, unsure=why),))
