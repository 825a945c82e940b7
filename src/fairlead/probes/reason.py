"""Why a check failed, in a few words that are safe to show on a terminal and in JSON."""

from __future__ import annotations

import os

LONGEST = 200
"""Characters kept of text that comes from an endpoint or a command."""


def clean(text: str) -> str:
    """Without control and other unprintable characters, and bounded."""
    return "".join(char for char in text if char.isprintable())[:LONGEST].strip()


def of_os_error(error: OSError) -> str:
    """The system's own words: asyncio puts its call in `strerror`, so only `errno` is used."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return clean(error.strerror or str(error)) or type(error).__name__


def of_timeout(seconds: float) -> str:
    return f"timeout after {float(seconds)} s"
