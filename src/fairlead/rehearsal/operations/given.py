"""What requests have in common: lists of ids, and members that nothing is done about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from fairlead.core.ecs.model import Wire
from fairlead.rehearsal.faults import invalid, unsupported


def ids(request: Wire, key: str, most: int = 100) -> Sequence[str]:
    """Refusal when there are none or too many."""
    found: Sequence[str] = request.get(key, ())
    what = "".join(f" {c.lower()}" if c.isupper() else c for c in key).capitalize()
    if not found:
        raise invalid(f"{what} cannot be empty.")
    if len(found) > most:
        raise invalid(f"{what} may hold {most} ids at most.")
    return found


def refuse_others(request: Wire, known: Collection[str]) -> None:
    """Refusal when members ask for something that is not done here."""
    for name, value in request.items():
        if name not in known and _asks(value):
            raise unsupported(f"`{name}`")


def _asks(value: Any) -> bool:
    return value not in ([], {}, False, "", "NONE", "DISABLED")


def tags_of(request: Wire) -> dict[str, str]:
    """Refusal when a key cannot be one."""
    found = {each.get("key", ""): each.get("value", "") for each in request.get("tags", ())}
    if any(not key or len(key) > 128 or key.startswith("aws:") for key in found):
        raise invalid("Tag keys have 1 to 128 characters and do not begin with aws:.")
    return found
