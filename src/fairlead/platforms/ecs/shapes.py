"""Reading of structures that may lack anything: what is missing or of a wrong type is empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

Part = Mapping[str, Any]

LARGEST = 1 << 53
"""Numbers above it are not believed: no count, port or version comes near."""


def text(part: Part, key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""


def number(part: Part, key: str) -> int | None:
    value = part.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < LARGEST else None


def port(part: Part, key: str) -> int:
    """A TCP port, or 0."""
    value = number(part, key) or 0
    return value if value <= 65535 else 0


def address(part: Part, key: str) -> str:
    """An IPv4 address, or empty."""
    value = text(part, key)
    try:
        return str(IPv4Address(value))
    except ValueError:
        return ""


def part(outer: Part, key: str) -> Part:
    value = outer.get(key)
    return value if isinstance(value, Mapping) else {}


def parts(outer: Part, key: str) -> Iterator[Part]:
    """The structures of a list; what else is in it is passed over."""
    return (each for each in _list(outer, key) if isinstance(each, Mapping))


def texts(outer: Part, key: str) -> tuple[str, ...]:
    return tuple(each for each in _list(outer, key) if isinstance(each, str))


def moment(outer: Part, key: str) -> float:
    """Seconds since the epoch: the API's times, and those of events, which are texts; 0 if none."""
    value = outer.get(key)
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return value.timestamp() if isinstance(value, datetime) else 0.0
    except (ValueError, OverflowError, OSError):
        return 0.0


def _list(outer: Part, key: str) -> list[Any]:
    value = outer.get(key)
    return value if isinstance(value, list) else []
