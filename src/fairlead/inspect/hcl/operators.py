"""Operators of HCL on values."""

from __future__ import annotations

import operator
from collections.abc import Callable

from fairlead.core.setup import At
from fairlead.inspect.hcl.results import Fault, Unresolved, plain, unknown
from fairlead.inspect.values import Value

_ARITHMETIC: dict[str, Callable[[float, float], float | bool]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_LARGEST = 1e30


def number(value: Value) -> float | None:
    """What a value counts as in arithmetic."""
    data = value.data
    if isinstance(data, bool) or data is None:
        return None
    try:
        found = float(data) if isinstance(data, str | int | float) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and abs(found) < _LARGEST else None


def unary(sign: str, value: Value, at: At) -> Value:
    if value.unknown:
        return unknown(at, "", value)
    if sign == "!":
        flag = value.flag().value
        return _wrong(at, sign) if flag is None else Value(not flag, (at,), refers=value.refers)
    found = number(value)
    return _wrong(at, sign) if found is None else Value(whole(-found), (at,), refers=value.refers)


def binary(sign: str, left: Value, right: Callable[[], Value], at: At) -> Value:
    """`right` is worked out only where it matters."""
    if sign in ("&&", "||"):
        return _logic(sign, left, right(), at)
    other = right()
    if sign in ("==", "!="):
        return _equality(sign, left, other, at)
    if left.unknown or other.unknown:
        return unknown(at, "", left, other)
    first, second = number(left), number(other)
    if first is None or second is None or (sign in "/%" and not second):
        return _wrong(at, sign)
    result = _ARITHMETIC[sign](first, second)
    return Value(result if isinstance(result, bool) else whole(result), (at, *left.origin)[:8])


def _logic(sign: str, left: Value, right: Value, at: At) -> Value:
    deciding = sign == "||"
    flags = (left.flag().value, right.flag().value)
    if deciding in flags:
        return Value(deciding, (at,))
    if None in flags:
        return unknown(at, f"an operand of {sign} is neither true nor false", left, right)
    return Value(not deciding, (at,))


def _equality(sign: str, left: Value, right: Value, at: At) -> Value:
    try:
        first, second = plain(left), plain(right)
    except Unresolved:
        return unknown(at, "", left, right)
    same = equal(first, second)
    if not same and _once_equal(first, second):
        return unknown(at, "they are equal before Terraform 0.12, and not since")
    return Value(same == (sign == "=="), (at,))


def equal(first: object, second: object) -> bool:
    """Values of different types are not."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(equal, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(equal(first[k], second[k]) for k in first)
    return first == second


def _once_equal(first: object, second: object) -> bool:
    """Truth once was 1, and numbers were texts."""
    scalars = isinstance(first, str | int | float) and isinstance(second, str | int | float)
    return scalars and _as_text(first) == _as_text(second)


def _as_text(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"true": "1", "false": "0"}.get(text, text)


def whole(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < _LARGEST else value


def _wrong(at: At, sign: str) -> Value:
    return Fault(origin=(at,), unknown=f"{sign} cannot be used on these")
