"""Reading JSON whose shape nobody vouches for: what is not as it should be, is not there."""

from __future__ import annotations

import calendar
import re
import time
from typing import Any

LONGEST_TEXT = 4096
_STAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


def at(value: Any, *path: str) -> Any:
    """The value under nested keys, None where one is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def mapping(value: Any, *path: str) -> dict[str, Any]:
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def items(value: Any, *path: str) -> list[Any]:
    found = at(value, *path)
    return found if isinstance(found, list) else []


def text(value: Any, *path: str) -> str:
    """Empty when it is no text, or an absurdly long one."""
    found = at(value, *path)
    return found if isinstance(found, str) and len(found) <= LONGEST_TEXT else ""


def number(value: Any, *path: str) -> int:
    """A whole number of at most 64 bits, else 0; also one written as a text."""
    found = at(value, *path)
    if isinstance(found, str) and re.fullmatch("-?[0-9]{1,19}", found, re.ASCII):
        found = int(found)
    whole = isinstance(found, int) and not isinstance(found, bool)
    return found if whole and abs(found) < 1 << 63 else 0


def texts(value: Any, *path: str) -> dict[str, str]:
    """A mapping of texts; other values are left out."""
    return {k: v for k, v in mapping(value, *path).items() if isinstance(v, str)}


def moment(value: Any, *path: str) -> float:
    """A time as RFC 3339 writes it, in seconds since the epoch; 0 for none (year 1) or nonsense."""
    found = _STAMP.fullmatch(text(value, *path))
    if not found:
        return 0.0
    try:
        seconds = calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return 0.0
    zone = 60 * (60 * int(found[4]) + int(found[5])) if found[3] else 0
    exact = seconds + float(found[2] or 0) - (zone if found[3] == "+" else -zone)
    return max(0.0, exact)
