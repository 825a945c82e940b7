"""Functions of Terraform. https://developer.hashicorp.com/terraform/language/functions

Those of collections keep members that are not known; the others need all of what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fairlead.core.setup import At
from fairlead.inspect.hcl.collections import COLLECTIONS
from fairlead.inspect.hcl.encodings import ENCODINGS
from fairlead.inspect.hcl.results import Fault, Unresolved, known, plain, refers_of, unknown
from fairlead.inspect.hcl.scalars import SCALARS
from fairlead.inspect.values import Value

Function = Callable[[Sequence[Value], At], Value]
_STRUCTURAL: Mapping[str, Function] = {**COLLECTIONS, **ENCODINGS}
_WRONG = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


def call(name: str, arguments: Sequence[Value], at: At) -> Value:
    """What a function returns; unknown where there is none of that name."""
    name = name.removeprefix("core::")
    if name not in _STRUCTURAL and name not in SCALARS:
        return unknown(
            at, f"the function {name} is not evaluated", Value(refers=refers_of(arguments))
        )
    try:
        if name in _STRUCTURAL:
            return _STRUCTURAL[name](arguments, at)
        return _of_plain(name, arguments, at)
    except Unresolved as lost:
        return unknown(at, lost.value.unknown, *arguments)
    except _WRONG as fault:
        refers = refers_of(arguments)
        return Fault(origin=(at,), unknown=f"{name} fails: {fault}", refers=refers)


def _of_plain(name: str, arguments: Sequence[Value], at: At) -> Value:
    result = known(SCALARS[name](*(plain(argument) for argument in arguments)), at)
    steps = tuple(step for argument in arguments for step in argument.origin)
    origin = tuple(dict.fromkeys((at, *steps)))[:8]
    return Value(result.data, origin, refers=refers_of(arguments))
