"""Counts from numbers that went through arithmetic."""

from __future__ import annotations

from math import ceil

ROUNDING = 1e-9
"""What lies at an edge but for so much is at it."""


def whole(count: float) -> int:
    """Rounded up, but for what arithmetic has left over: 3.0000000001 is 3."""
    return ceil(count - ROUNDING)
