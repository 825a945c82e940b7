"""Tokens that one part of fairlead shows to another, each in a file of its own."""

from __future__ import annotations

from pathlib import Path

from fairlead.core.errors import BadInput

LEAST = 16
"""Characters of a token."""


def read_token(file: str, section: str) -> str:
    """What the file holds, without the white space around it; empty when no file is named.

    BadInput, naming the section of the settings, when it cannot be read or is too short.
    """
    if not file:
        return ""
    try:
        token = Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise BadInput(f"{section}: cannot read the token in {file}: {error}") from error
    if len(token) < LEAST or any(not 33 <= ord(c) <= 126 for c in token):
        raise BadInput(
            f"{section}: the token in {file} must be {LEAST} printable characters at least, "
            "without spaces"
        )
    return token
