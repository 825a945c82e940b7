"""Poisson arrivals: how many requests come in a second, when so many come on average."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, floor, lgamma, log, sqrt
from random import Random

FEW = 10.0


def poisson(rate: float, draw: Callable[[], float]) -> int:
    """One number from the Poisson distribution of that mean; `draw` gives numbers in [0, 1).

    Few by multiplication (Knuth, The Art of Computer Programming 2, 3.4.1), many by transformed
    rejection (Hörmann, The transformed rejection method for generating Poisson random variables,
    Insurance: Mathematics and Economics 12, 1993, algorithm PTRS).
    """
    if rate <= 0.0:
        return 0
    return _few(exp(-rate), draw) if rate < FEW else _many(rate, draw)


def _few(limit: float, draw: Callable[[], float]) -> int:
    count, product = 0, draw()
    while product > limit:
        count += 1
        product *= draw()
    return count


def _many(rate: float, draw: Callable[[], float]) -> int:
    b = 0.931 + 2.53 * sqrt(rate)
    a = -0.059 + 0.02483 * b
    log_inverse_alpha = log(1.1239 + 1.1328 / (b - 3.4))
    fits = 0.9277 - 3.6224 / (b - 2.0)
    log_rate = log(rate)
    while True:
        u = draw() - 0.5
        v = 1.0 - draw()
        us = 0.5 - abs(u)
        if us == 0.0:
            continue
        k = floor((2.0 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= fits:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = log(v) + log_inverse_alpha - log(a / (us * us) + b)
        if left <= k * log_rate - rate - lgamma(k + 1):
            return k


def stream(seed: int) -> Callable[[float], int]:
    """Draws one number of arrivals after the other; the same for the same seed."""
    draw = Random(seed).random  # noqa: S311 - a replay is to be repeated
    return lambda rate: poisson(rate, draw)
