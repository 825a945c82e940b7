"""Knative's pod autoscaler.

The rules are those of knative/serving, pkg/autoscaler/scaling/autoscaler.go, with the defaults of
config/core/configmaps/autoscaler.yaml.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from math import ceil, floor

from fairlead.core.backtest.model import WORKERS, History

TICK = 2
"""Seconds between two looks."""
STABLE, PANIC = 60, 6
"""Seconds of the two windows."""
THRESHOLD = 2.0
"""Panic begins when the short window wants so many times the ready pods."""
MOST_UP, MOST_DOWN = 1000.0, 2.0
GRACE = 30
"""Seconds for which the last pod stays once nothing wants it."""


class Watched(Enum):
    CONCURRENCY = "kpa"
    REQUESTS = "kpa-requests"


@dataclass(slots=True)
class Kpa:
    """`target`: requests in flight, or requests a second, of one pod.

    In flight are what the workers are at, and what waits for them: sampled at each look, as the
    autoscaler does, and averaged over each window. A pod has five workers, whatever the model of
    the queue: in an M/M/1 the number of requests is no measure of the load (it has no bound), and
    an autoscaler that followed it would swing.
    """

    watched: Watched
    target: float
    interval: int = TICK
    panic_since: int | None = None
    most_in_panic: int = 0
    idle_since: int | None = None
    samples: deque[float] = field(default_factory=lambda: deque(maxlen=STABLE // TICK))
    total: float = 0.0

    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.watched.value

    def look(self, now: int, wanted: int, ready: int, history: History) -> int:
        if now == 0:
            return wanted
        stable, short = self._means(now, history)
        base = max(1, ready)
        highest, lowest = ceil(MOST_UP * base), floor(ready / MOST_DOWN)
        asked = min(max(stable, lowest), highest)
        self._feel(now, over=short / base >= THRESHOLD)
        if self.panic_since is None:
            return self._last(now, wanted, asked)
        self.most_in_panic = max(self.most_in_panic, asked, min(max(short, lowest), highest))
        return self.most_in_panic

    def _means(self, now: int, history: History) -> tuple[int, int]:
        """The pods that each window wants."""
        if self.watched is Watched.REQUESTS:
            means = history.arrivals(STABLE, now), history.arrivals(PANIC, now)
        else:
            self._sample(now, history)
            last = self.samples[-1] + self.samples[-min(2, len(self.samples))]
            last += self.samples[-min(3, len(self.samples))]
            means = self.total / len(self.samples), last / (PANIC / TICK)
        return ceil(means[0] / self.target), ceil(means[1] / self.target)

    def _sample(self, now: int, history: History) -> None:
        if len(self.samples) == self.samples.maxlen:
            self.total -= self.samples[0]
        working = history.busy(TICK, now) * history.ready(TICK, now) * WORKERS
        self.samples.append(working + history.backlog())
        self.total += self.samples[-1]

    def _feel(self, now: int, *, over: bool) -> None:
        """Panic lasts until a whole stable window has passed below the threshold."""
        if over:
            self.panic_since = now
        elif self.panic_since is not None and now > self.panic_since + STABLE:
            self.panic_since, self.most_in_panic = None, 0

    def _last(self, now: int, wanted: int, asked: int) -> int:
        if asked > 0 or wanted == 0:
            self.idle_since = None
            return asked
        if self.idle_since is None:
            self.idle_since = now
        return 0 if now - self.idle_since >= GRACE else max(1, asked)
