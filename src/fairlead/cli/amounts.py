"""Numbers of options that are reckoned with exactly."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import click

SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9}


class Amount(click.ParamType[Decimal]):
    """A plain number of at least 0, up to a bound; with `sizes`, k, M and G may follow it."""

    name = "number"

    def __init__(self, most: int, *, sizes: bool = False) -> None:
        self.most, self.sizes = most, sizes

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        text = str(value).strip().lower()
        scale = SUFFIXES.get(text[-1:], 1) if self.sizes else 1
        number = self._number(text[:-1] if scale > 1 else text)
        whole = number.is_finite() and 0 <= number <= self.most
        if not whole or number * scale > self.most or _digits(number) > 12:
            with_k = ", or one with k, M or G" if self.sizes else ""
            self.fail(f"{value!r} is no number between 0 and {self.most:,}{with_k}", param, ctx)
        return number * scale

    def _number(self, text: str) -> Decimal:
        try:
            return Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")
        except InvalidOperation:
            return Decimal("NaN")


def _digits(number: Decimal) -> int:
    """After the point."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
