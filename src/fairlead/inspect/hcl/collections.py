"""Functions on lists and maps, whose members may be unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from fairlead.core.setup import At
from fairlead.inspect.hcl.operators import number, whole
from fairlead.inspect.hcl.results import (
    Fault,
    Thing,
    Unresolved,
    known,
    plain,
    refers_of,
    unknown,
    written,
)
from fairlead.inspect.values import Value

MOST_ELEMENTS = 2_000
Given = Sequence[Value]


def _elements(value: Value) -> tuple[Value, ...]:
    if value.unknown:
        raise Unresolved(value)
    if isinstance(value.data, Mapping):
        return tuple(value.data[name] for name in sorted(value.data))
    if not isinstance(value.data, tuple):
        raise TypeError("it is no list")
    return value.data


def _mapping(value: Value) -> dict[str, Value]:
    if value.unknown:
        raise Unresolved(value)
    if not isinstance(value.data, dict):
        raise TypeError("it is no map")
    return value.data


def _tuple(elements: Sequence[Value], at: At) -> Value:
    if len(elements) > MOST_ELEMENTS:
        return unknown(at, "it has too many elements")
    return Value(tuple(elements), (at,))


def _merge(given: Given, at: At) -> Value:
    """A part that is unknown could replace any member, so that nothing of it is known."""
    members: dict[str, Value] = {}
    for value in given:
        if value.unknown or value.given:
            members |= _mapping(value)
    return Value(members, (at,))


def _concat(given: Given, at: At) -> Value:
    return _tuple([item for value in given for item in _elements(value)], at)


def _lookup(given: Given, at: At) -> Value:
    if given[1].unknown:
        raise Unresolved(given[1])
    if isinstance(given[0], Thing):
        return given[0].look(written(given[1]))
    members = _mapping(given[0])
    found = members.get(written(given[1]))
    if found is not None:
        return found
    return given[2] if len(given) > 2 else _missing(at, written(given[1]))


def _missing(at: At, what: str) -> Value:
    return Fault(origin=(at,), unknown=f"there is no {what} in it")


def _element(given: Given, at: At) -> Value:
    position = given[1].number().value
    if isinstance(given[0], Thing) and given[0].several:
        return given[0]
    elements = _elements(given[0])
    if position is None or given[1].unknown:
        return unknown(at, "which element is not known", *given)
    return elements[position % len(elements)] if elements else _missing(at, "element")


def _length(given: Given, at: At) -> Value:
    value = given[0]
    if value.unknown:
        raise Unresolved(value)
    if not isinstance(value.data, str | tuple | Mapping):
        raise TypeError("it has no length")
    return Value(len(value.data), (at,))


def _coalesce(given: Given, at: At) -> Value:
    for value in given:
        if value.unknown:
            return unknown(at, "", *given)
        if value.given and value.data != "":
            return value
    return _missing(at, "value")


def _coalescelist(given: Given, at: At) -> Value:
    return next((value for value in given if _elements(value)), _missing(at, "list"))


def _keys(given: Given, at: At) -> Value:
    return known(sorted(_mapping(given[0])), at)


def _values(given: Given, at: At) -> Value:
    return _tuple(_elements(Value(_mapping(given[0]))), at)


def _flatten(given: Given, at: At) -> Value:
    flat: list[Value] = []
    rest = list(reversed(_elements(given[0])))
    while rest and len(flat) <= MOST_ELEMENTS:
        item = rest.pop()
        if item.unknown and not isinstance(item, Thing):
            flat.append(item)
        elif isinstance(item.data, tuple):
            rest += reversed(item.data)
        else:
            flat.append(item)
    return _tuple(flat, at)


def _distinct(given: Given, at: At) -> Value:
    return _tuple(_unique(_elements(given[0])), at)


def _unique(elements: Sequence[Value]) -> list[Value]:
    """Unknown ones are told apart by what they come from."""
    found: dict[str, Value] = {}
    for item in elements:
        found.setdefault(_mark(item), item)
    return list(found.values())


def _mark(item: Value) -> str:
    try:
        return repr(plain(item))
    except Unresolved:
        return f"?{item.refers}{item.unknown}"


def _toset(given: Given, at: At) -> Value:
    elements = _unique(_elements(given[0]))
    return _tuple(sorted(elements, key=_mark), at)


def _tolist(given: Given, at: At) -> Value:
    return _tuple(_elements(given[0]), at)


def _tomap(given: Given, at: At) -> Value:
    return Value(_mapping(given[0]), (at,))


def _contains(given: Given, at: At) -> Value:
    wanted = plain(given[1])
    elements = _elements(given[0])
    for item in elements:
        if not item.unknown and _same(plain(item), wanted):
            return Value(True, (at,))
    if lost := [item for item in elements if item.unknown]:
        return unknown(at, "", *lost)
    return Value(False, (at,))


def _same(first: object, second: object) -> bool:
    return first == second or str(first) == str(second)


def _range(given: Given, at: At) -> Value:
    numbers = [number(value) for value in given]
    for value in given:
        if value.unknown:
            raise Unresolved(value)
    start, end = (0.0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    if start is None or end is None:
        raise TypeError("it is no number")
    step = numbers[2] if len(numbers) > 2 else (1.0 if end >= start else -1.0)
    if not step:
        raise ValueError("its step is 0")
    size = max(0, int(-((start - end) // step)))
    if size > MOST_ELEMENTS:
        return unknown(at, "it has too many elements")
    return known([whole(start + n * step) for n in range(size)], at)


def _slice(given: Given, at: At) -> Value:
    first, last = given[1].number().value, given[2].number().value
    if first is None or last is None:
        return unknown(at, "its bounds are not known", *given)
    return _tuple(_elements(given[0])[max(first, 0) : max(last, 0)], at)


def _compact(given: Given, at: At) -> Value:
    kept = [v for v in _elements(given[0]) if v.unknown or (v.given and v.data != "")]
    return _tuple(kept, at)


def _reverse(given: Given, at: At) -> Value:
    return _tuple(_elements(given[0])[::-1], at)


def _zipmap(given: Given, at: At) -> Value:
    names = [str(plain(name)) for name in _elements(given[0])]
    return Value(dict(zip(names, _elements(given[1]), strict=False)), (at,))


def _setproduct(given: Given, at: At) -> Value:
    lists = [_elements(value) for value in given]
    size = 1
    for elements in lists:
        size *= len(elements)
    if size > MOST_ELEMENTS:
        return unknown(at, "setproduct has too many elements")
    return _tuple([Value(pair, (at,)) for pair in product(*lists)], at)


def _one(given: Given, at: At) -> Value:
    if isinstance(given[0], Thing):
        return given[0]
    if given[0].unknown:
        return unknown(at, "", given[0])
    elements = _elements(given[0])
    if len(elements) > 1:
        raise ValueError("there is more than one")
    return elements[0] if elements else Value(origin=(at,))


def _chunklist(given: Given, at: At) -> Value:
    elements, size = _elements(given[0]), given[1].number().value
    if not size or size < 1:
        return unknown(at, "its size is not known", *given)
    return _tuple([_tuple(elements[n : n + size], at) for n in range(0, len(elements), size)], at)


def _index(given: Given, at: At) -> Value:
    wanted = plain(given[1])
    for position, item in enumerate(_elements(given[0])):
        if _same(plain(item), wanted):
            return Value(position, (at,))
    return _missing(at, "such element")


def _as_it_is(given: Given, _: At) -> Value:
    return given[0]


def _listed(given: Given, at: At) -> Value:
    return _tuple(list(given), at)


def _mapped(given: Given, at: At) -> Value:
    """`map("a", 1, "b", 2)`, as it was written before there were braces."""
    names = [str(plain(name)) for name in given[::2]]
    return Value(dict(zip(names, given[1::2], strict=False)), (at,))


def _sets(combine: Callable[[set[str], set[str]], set[str]]) -> Callable[[Given, At], Value]:
    def combined(given: Given, at: At) -> Value:
        members = {_mark(item): item for value in given for item in _elements(value)}
        if any(item.unknown for item in members.values()):
            return unknown(at, "an element is not known", Value(refers=refers_of(given)))
        chosen = {_mark(item) for item in _elements(given[0])}
        for value in given[1:]:
            chosen = combine(chosen, {_mark(item) for item in _elements(value)})
        return _tuple([members[name] for name in sorted(chosen)], at)

    return combined


COLLECTIONS: dict[str, Callable[[Given, At], Value]] = {
    "merge": _merge,
    "concat": _concat,
    "lookup": _lookup,
    "element": _element,
    "length": _length,
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "keys": _keys,
    "values": _values,
    "flatten": _flatten,
    "distinct": _distinct,
    "toset": _toset,
    "tolist": _tolist,
    "tomap": _tomap,
    "contains": _contains,
    "range": _range,
    "slice": _slice,
    "compact": _compact,
    "reverse": _reverse,
    "zipmap": _zipmap,
    "setproduct": _setproduct,
    "one": _one,
    "chunklist": _chunklist,
    "index": _index,
    "list": _listed,
    "map": _mapped,
    "sensitive": _as_it_is,
    "nonsensitive": _as_it_is,
    "ephemeralasnull": _as_it_is,
    "setunion": _sets(lambda a, b: a | b),
    "setintersection": _sets(lambda a, b: a & b),
    "setsubtract": _sets(lambda a, b: a - b),
}
