"""What counts as a value of a metric: a finite number of 0 to 1e15, as a number."""

from __future__ import annotations

import math
from typing import Any

from fairlead.core.errors import MeterError

MOST = 1e15
"""Nothing that endpoints are counted by is larger; what says so is broken."""
_SHOWN = 60


def checked(value: Any, what: str) -> float:
    """The value as a float. MeterError, naming `what`, for anything that is no usable number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise MeterError(f"{what} is {shown(value)}, which is no number")
    if not isinstance(value, int) and not math.isfinite(value):
        raise MeterError(f"{what} is {value}, which is no finite number")
    if not 0 <= value <= MOST:
        raise MeterError(f"{what} is {shown(value)}: only 0 to {MOST:g} is believed")
    return float(value)


def parsed(text: Any, what: str) -> float:
    """The number that a text holds, as Prometheus and SQS write them."""
    if not isinstance(text, str) or len(text) > _SHOWN:
        raise MeterError(f"{what} is {shown(text)}, which is no number")
    try:
        return checked(float(text), what)
    except ValueError:
        raise MeterError(f"{what} is {shown(text)}, which is no number") from None


def shown(value: Any) -> str:
    """A foreign value, short and printable, for a message."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    kind = {dict: "an object", list: "a list", type(None): "null"}.get(type(value))
    return kind or ascii(value[:_SHOWN] if isinstance(value, str) else value)
