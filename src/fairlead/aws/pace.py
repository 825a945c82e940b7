"""How many calls a second may be made: a token bucket that AWS's own answers make slower.

ECS takes 20 reads a second and 100 at once per account and region (AWS's service quotas): half of
that and less is left to fairlead, others have to live in the account too.
"""

from __future__ import annotations

import random
from collections import deque

from fairlead.ports import Calls

RATE, BURST = 10.0, 40.0
WINDOW = 60.0
_SLOWEST = 0.5
_RECOVERY = 0.05
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 10.0


class Pace:
    """Times are monotonic seconds, given by the caller."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._most, self._burst = rate, burst
        self._rate, self._tokens, self._filled = rate, burst, 0.0
        self._recent: deque[float] = deque()
        self._counts: dict[str, int] = {}
        self._throttled = 0
        self._began: float | None = None

    def take(self, action: str, now: float) -> float:
        """Count one call that is to be made; the seconds it has to wait first."""
        self._fill(now)
        self._tokens -= 1
        wait = max(0.0, -self._tokens / self._rate)
        self._counts[action] = self._counts.get(action, 0) + 1
        self._began = now if self._began is None else self._began
        self._recent.append(now + wait)
        self._drop_old(now)
        return wait

    def throttled(self) -> None:
        """AWS asked for less: half of it from now on, slowly more again."""
        self._throttled += 1
        self._rate = max(_SLOWEST, self._rate / 2)
        self._tokens = min(self._tokens, 0.0)

    def answered(self) -> None:
        self._rate = min(self._most, self._rate + _RECOVERY)

    def calls(self, now: float) -> Calls:
        self._drop_old(now)
        span = min(WINDOW, now - self._began) if self._began is not None else 0.0
        per_second = len(self._recent) / max(span, 1.0)
        return Calls(dict(self._counts), per_second, self._throttled, self._rate)

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled) * self._rate
        self._tokens, self._filled = min(self._burst, self._tokens + gained), now

    def _drop_old(self, now: float) -> None:
        while self._recent and self._recent[0] < now - WINDOW:
            self._recent.popleft()


def backoff(tries: int) -> float:
    """Seconds to wait after so many failed tries: up to twice as long each time, at random."""
    longest = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(tries - 1, 10))
    return random.uniform(longest / 4, longest)  # noqa: S311 - spreads load, keeps no secret
