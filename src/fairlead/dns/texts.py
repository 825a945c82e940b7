"""Names and values as providers write them, and as the plan has them."""

from __future__ import annotations

from fairlead.core.dns import ADDRESSES

KINDS = (*ADDRESSES, "CNAME", "TXT")
"""Of records that are read: our own, and those beside which no address can be."""


def plain_name(name: str) -> str:
    return name.lower().removesuffix(".")


def plain_value(text: str) -> str:
    return text.removeprefix('"').removesuffix('"').removesuffix(".")


def written_value(kind: str, value: str) -> str:
    return f'"{value}"' if kind == "TXT" else value
