"""Evaluates expressions. What cannot be known is unknown, with the reason, and never a guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairlead.core.setup import At
from fairlead.inspect.hcl import operators, texts
from fairlead.inspect.hcl.results import (
    Fault,
    Thing,
    Unresolved,
    known,
    plain,
    refers_of,
    unknown,
    used,
    within,
    written,
)
from fairlead.inspect.hcl.syntax import (
    Attribute,
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    ListOf,
    Literal,
    Name,
    ObjectOf,
    Splat,
    Template,
    Unary,
    Wrong,
)
from fairlead.inspect.hcl.work import Work
from fairlead.inspect.values import Value

MOST_DEPTH = 70
MOST_ELEMENTS = 2_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean. `call` runs functions, given the evaluated arguments."""

    names: Callable[[str], Value | None]
    call: Callable[[str, tuple[Value, ...], At], Value]
    work: Work
    bound: Mapping[str, Value] = field(default_factory=dict)

    def with_names(self, **bound: Value) -> Scope:
        return Scope(self.names, self.call, self.work, {**self.bound, **bound})


def evaluate(of: Expression, scope: Scope) -> Value:
    """The value of an expression; never raises."""
    work = scope.work
    if work.steps <= 0 or work.depth >= MOST_DEPTH:
        return unknown(of.at, "there is too much to work out")
    work.steps -= 1
    work.depth += 1
    try:
        found: Value = _EVALUATORS[type(of)](of, scope)
    finally:
        work.depth -= 1
    return unknown(of.at, "it is too large") if work.too_large(found) else found


def _literal(of: Literal, _: Scope) -> Value:
    return Value(of.value, (of.at,))


def _wrong(of: Wrong, _: Scope) -> Value:
    return unknown(of.at, of.why)


def _name(of: Name, scope: Scope) -> Value:
    if of.name in scope.bound:
        return scope.bound[of.name]
    found = scope.names(of.name)
    return Fault(origin=(of.at,), unknown=f"{of.name} is not defined") if found is None else found


def _attribute(of: Attribute, scope: Scope) -> Value:
    return used(member(evaluate(of.of, scope), of.name, of.at), of.at)


def member(value: Value, name: str, at: At) -> Value:
    """`value.name`"""
    if isinstance(value, Thing):
        return value.look(name)
    if value.unknown:
        refers = within(value.refers, f".{name}")
        return Value(origin=(at, *value.origin)[:8], unknown=value.unknown, refers=refers)
    if isinstance(value.data, Mapping) and name in value.data:
        found: Value = value.data[name]
        return found
    return Fault(origin=(at,), unknown=f"there is no {name} in it", refers=value.refers)


def _index(of: Index, scope: Scope) -> Value:
    value, key = evaluate(of.of, scope), evaluate(of.key, scope)
    return used(element(value, key, of.at), of.at)


def element(value: Value, key: Value, at: At) -> Value:
    """`value[key]`"""
    if isinstance(value, Thing):
        return value.look(key.data) if isinstance(key.data, str) and not value.several else value
    if value.unknown and not key.unknown:
        refers = within(value.refers, f"[{written(key)}]")
        return Value(origin=(at, *value.origin)[:8], unknown=value.unknown, refers=refers)
    if key.unknown:
        return unknown(at, "", value, key)
    if isinstance(value.data, tuple):
        number = key.number().value
        if number is not None and 0 <= number < len(value.data):
            return value.data[number]
        return Fault(origin=(at,), unknown=f"there is no element {written(key)} in it")
    return member(value, written(key), at)


def _splat(of: Splat, scope: Scope) -> Value:
    value = evaluate(of.of, scope)
    if isinstance(value, Thing) and value.several:
        return unknown(of.at, "how many there are is not known", value)
    if value.unknown and not isinstance(value, Thing):
        return unknown(of.at, "", value)
    if not value.given:
        return Value((), (of.at,))
    elements = value.data if isinstance(value.data, tuple) else (value,)
    each = tuple(evaluate(of.each, scope.with_names(**{"*": item})) for item in elements)
    return Value(each, (of.at,), refers=value.refers)


def _call(of: Call, scope: Scope) -> Value:
    if of.name in ("try", "can"):
        return _tried(of, scope)
    given = tuple(evaluate(argument, scope) for argument in of.arguments)
    if of.spread and given:
        last = given[-1]
        if not isinstance(last.data, tuple):
            return unknown(of.at, "its arguments are not known", *given)
        given = (*given[:-1], *last.data)
    scope.work.charge(*given)
    return used(scope.call(of.name, given, of.at), of.at)


def _tried(of: Call, scope: Scope) -> Value:
    found: Value = Fault(origin=(of.at,), unknown=f"{of.name} has no argument that can be used")
    for argument in of.arguments:
        found = evaluate(argument, scope)
        if not isinstance(found, Fault):
            break
    if of.name == "try":
        return used(found, of.at)
    if found.unknown and not isinstance(found, Fault | Thing):
        return unknown(of.at, "", found)
    return Value(not isinstance(found, Fault), (of.at,))


def _conditional(of: Conditional, scope: Scope) -> Value:
    condition = evaluate(of.condition, scope)
    holds = condition.flag().value
    if holds is not None:
        return used(evaluate(of.then if holds else of.otherwise, scope), of.at)
    then, otherwise = evaluate(of.then, scope), evaluate(of.otherwise, scope)
    scope.work.charge(then, otherwise)
    try:
        if operators.equal(plain(then), plain(otherwise)):
            return used(then, of.at)
    except Unresolved:
        pass
    why = condition.unknown or "its condition is neither true nor false"
    return Value(origin=(of.at,), unknown=why, refers=refers_of((then, otherwise)))


def _unary(of: Unary, scope: Scope) -> Value:
    return operators.unary(of.operator, evaluate(of.of, scope), of.at)


def _binary(of: Binary, scope: Scope) -> Value:
    left = evaluate(of.left, scope)
    scope.work.charge(left)
    return operators.binary(of.operator, left, lambda: evaluate(of.right, scope), of.at)


def _list(of: ListOf, scope: Scope) -> Value:
    return Value(tuple(evaluate(item, scope) for item in of.elements), (of.at,))


def _object(of: ObjectOf, scope: Scope) -> Value:
    members = {}
    for key, item in of.members:
        name = evaluate(key, scope)
        if name.unknown or isinstance(name.data, tuple | Mapping):
            return unknown(of.at, "a key of it is not known", name)
        members[written(name)] = evaluate(item, scope)
    return Value(members, (of.at,))


def _template(of: Template, scope: Scope) -> Value:
    return texts.template(of, scope, evaluate)


def _for(of: For, scope: Scope) -> Value:
    over = evaluate(of.over, scope)
    pairs = entries(over)
    if pairs is None:
        return unknown(of.at, "what it goes through is not known", over)
    results: list[tuple[Value, Value]] = []
    for key, value in pairs:
        inner = scope.with_names(**{of.name: value} | ({of.key: key} if of.key else {}))
        holds = evaluate(of.condition, inner) if of.condition else known(True, of.at)
        if holds.flag().value is None:
            return unknown(of.at, "a condition of it is not known", holds, over)
        if holds.flag().value:
            name = evaluate(of.member, inner) if of.member else key
            results.append((name, evaluate(of.result, inner)))
    return _collected(of, results)


def _collected(of: For, results: list[tuple[Value, Value]]) -> Value:
    if of.member is None:
        return Value(tuple(value for _, value in results), (of.at,))
    members: dict[str, Value] = {}
    for name, value in results:
        if name.unknown or isinstance(name.data, tuple | Mapping):
            return unknown(of.at, "a key of it is not known", name)
        key = written(name)
        before = members[key].items() if key in members else ()
        members[key] = Value((*before, value), (of.at,)) if of.grouped else value
    return Value(members, (of.at,))


def entries(value: Value) -> list[tuple[Value, Value]] | None:
    """Keys (or positions) and values of a collection; None where they are not known."""
    if value.unknown:
        return None
    if isinstance(value.data, tuple):
        pairs = [(Value(n, value.origin[:1]), item) for n, item in enumerate(value.data)]
    elif isinstance(value.data, Mapping):
        names = sorted(value.data)
        pairs = [(Value(name, value.origin[:1]), value.data[name]) for name in names]
    else:
        return None
    return pairs if len(pairs) <= MOST_ELEMENTS else None


_EVALUATORS: dict[type, Callable[[Any, Scope], Value]] = {
    Literal: _literal,
    Wrong: _wrong,
    Name: _name,
    Attribute: _attribute,
    Index: _index,
    Splat: _splat,
    Call: _call,
    Conditional: _conditional,
    Unary: _unary,
    Binary: _binary,
    ListOf: _list,
    ObjectOf: _object,
    Template: _template,
    For: _for,
}
