"""Types of variables: what a given value becomes, with the defaults of optional attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.inspect.hcl.operators import number, whole
from fairlead.inspect.hcl.results import written
from fairlead.inspect.hcl.syntax import Call, Expression, Literal, Name, ObjectOf
from fairlead.inspect.values import Value

Evaluate = Callable[[Expression], Value]


def converted(value: Value, kind: Expression | None, evaluate: Evaluate) -> Value:
    """The value as one of the type; as it is where it does not fit."""
    if value.unknown or not value.given or kind is None:
        return value
    if isinstance(kind, Name):
        return _scalar(value, kind.name)
    if isinstance(kind, Call) and kind.arguments:
        return _collection(value, kind, evaluate)
    return value


def _scalar(value: Value, kind: str) -> Value:
    if kind == "string" and isinstance(value.data, bool | int | float):
        return Value(written(value), value.origin, refers=value.refers)
    if kind == "number" and isinstance(value.data, str):
        found = number(value)
        data = value.data if found is None else whole(found)
        return Value(data, value.origin, refers=value.refers)
    if kind == "bool" and isinstance(value.data, str):
        flag = value.flag().value
        return value if flag is None else Value(flag, value.origin, refers=value.refers)
    return value


def _collection(value: Value, kind: Call, evaluate: Evaluate) -> Value:
    inner = kind.arguments[0]
    if kind.name == "object" and isinstance(inner, ObjectOf) and isinstance(value.data, Mapping):
        return _object(value, value.data, inner, evaluate)
    if kind.name in ("list", "set") and isinstance(value.data, tuple):
        elements = tuple(converted(item, inner, evaluate) for item in value.data)
        return Value(elements, value.origin, refers=value.refers)
    if kind.name == "map" and isinstance(value.data, Mapping):
        members = {name: converted(v, inner, evaluate) for name, v in value.data.items()}
        return Value(members, value.origin, refers=value.refers)
    return value


def _object(value: Value, given: Mapping[str, Value], kind: ObjectOf, evaluate: Evaluate) -> Value:
    members = {}
    for key, of in kind.members:
        name = str(key.value) if isinstance(key, Literal) else ""
        inner, default = _optional(of)
        item = given.get(name, Value())
        if not item.given and default is not None:
            item = evaluate(default)
        members[name] = converted(item, inner, evaluate)
    return Value(members, value.origin, refers=value.refers)


def _optional(of: Expression) -> tuple[Expression | None, Expression | None]:
    if isinstance(of, Call) and of.name == "optional" and of.arguments:
        return of.arguments[0], of.arguments[1] if len(of.arguments) > 1 else None
    return of, None
