"""A history made by hand: each measure is a constant, or a function of the second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Series = float | Callable[[int], float]


@dataclass
class Given:
    """Implements core.backtest.model.History."""

    of_arrivals: Series = 0.0
    of_busy: Series = 0.0
    of_in_flight: Series = 0.0
    of_ready: Series = 1.0
    waiting: float = 0.0

    def arrivals(self, span: int, until: int) -> float:
        return _mean(self.of_arrivals, span, until)

    def busy(self, span: int, until: int) -> float:
        return _mean(self.of_busy, span, until)

    def in_flight(self, span: int, until: int) -> float:
        return _mean(self.of_in_flight, span, until)

    def ready(self, span: int, until: int) -> float:
        return _mean(self.of_ready, span, until)

    def slow(self, span: int, until: int) -> float:
        return 0.0

    def dropped(self, span: int, until: int) -> float:
        return 0.0

    def backlog(self) -> float:
        return self.waiting


def _mean(series: Series, span: int, until: int) -> float:
    seconds = range(max(0, until - span), until)
    if not callable(series):
        return series if seconds else 0.0
    return sum(series(at) for at in seconds) / len(seconds) if seconds else 0.0
