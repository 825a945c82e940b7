"""Pages of names: `nextToken` holds the last name given, so what comes and goes between two calls
neither repeats nor hides another."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from fairlead.core.ecs.model import Wire
from fairlead.rehearsal.faults import invalid


def page(names: Iterable[str], request: Wire, key: str, most: int = 100) -> dict[str, Any]:
    """One page of the names, in order, as the member `key` of an answer."""
    size = request.get("maxResults", most)
    if not 1 <= size <= most:
        raise invalid(f"maxResults must be between 1 and {most}.")
    after = _read(request["nextToken"]) if "nextToken" in request else ""
    left = sorted(name for name in names if name > after)
    given = {key: left[:size]}
    return {**given, "nextToken": _token(left[size - 1])} if len(left) > size else given


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(f"1:{name}".encode()).decode()


def _read(token: str) -> str:
    try:
        version, colon, name = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        version = colon = name = ""
    if version != "1" or not colon or not name:
        raise invalid("Invalid token.")
    return name
