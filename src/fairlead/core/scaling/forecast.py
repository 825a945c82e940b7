"""Where a load is going: a trend where it stands out of the noise, and the profile of a day."""

from __future__ import annotations

from collections import deque

LENGTH, FEWEST = 60, 24
"""Ticks that a trend is fitted to, and the fewest that make one."""
CLEAR = 3.0
"""A slope counts from so many of its standard errors on."""
DAY, SLOT = 86400.0, 300.0
_SLOTS = int(DAY / SLOT)
_NEWER = 0.5
"""The weight of a day against those before it."""


class Trend:
    """A straight line through the last rates, by least squares; ticks are taken as equally far
    apart. Its sums are carried on from tick to tick, and taken anew before rounding shows."""

    __slots__ = ("_by_place", "_carried", "_rates", "_squares", "_sum")

    def __init__(self) -> None:
        self._rates: deque[float] = deque(maxlen=LENGTH)
        self._sum = self._by_place = self._squares = 0.0
        self._carried = 0

    def add(self, rate: float) -> None:
        rates = self._rates
        if len(rates) == LENGTH:
            oldest = rates[0]
            self._sum -= oldest
            self._squares -= oldest * oldest
            self._by_place -= self._sum
        rates.append(rate)
        self._by_place += (len(rates) - 1) * rate
        self._sum += rate
        self._squares += rate * rate
        self._carried += 1
        if self._carried >= LENGTH:
            self._anew()

    def _anew(self) -> None:
        self._carried = 0
        self._sum = sum(self._rates)
        self._by_place = sum(at * rate for at, rate in enumerate(self._rates))
        self._squares = sum(rate * rate for rate in self._rates)

    def ahead(self, ticks: float) -> float:
        """The rate so many ticks from now if it goes on growing; 0 where it does not."""
        n = len(self._rates)
        if n < FEWEST:
            return 0.0
        mean, middle = self._sum / n, (n - 1) / 2.0
        spread = n * (n * n - 1) / 12.0
        slope = (self._by_place - middle * self._sum) / spread
        if slope <= 0.0:
            return 0.0
        rest = max(0.0, self._squares - n * mean * mean - slope * slope * spread)
        if slope * slope < CLEAR * CLEAR * rest / (n - 2) / spread:
            return 0.0
        return mean + slope * (n - 1 - middle + ticks)


class Season:
    """The highest rate of each five minutes of the day, newer days counting more."""

    __slots__ = ("_highest", "_profile", "_slot")

    def __init__(self) -> None:
        self._profile = [0.0] * _SLOTS
        self._slot, self._highest = -1, 0.0

    def add(self, at: float, rate: float) -> None:
        """`at` in seconds of a clock whose days are 86,400 s long."""
        slot = int(at % DAY / SLOT)
        if slot != self._slot:
            if self._slot >= 0:
                self._close()
            self._slot, self._highest = slot, 0.0
        self._highest = max(self._highest, rate)

    def _close(self) -> None:
        before = self._profile[self._slot]
        newer = self._highest if before == 0.0 else before + _NEWER * (self._highest - before)
        self._profile[self._slot] = newer

    def ahead(self, at: float, span: float) -> float:
        """The highest rate that days before had from `at` to `at + span`."""
        first, last = int(at % DAY / SLOT), int((at + span) / SLOT) - int(at / SLOT)
        return max([self._profile[(first + n) % _SLOTS] for n in range(last + 1)])
