"""What a copy should be given, from what its copies were seen to use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ENOUGH = 100
"""Samples of a service: with fewer, a 95th percentile is one of the last five."""
CPU_HEADROOM = 1.3
MEMORY_HEADROOM = 1.25
SOFT_HEADROOM = 1.1
CPU_STEP, MEMORY_STEP = 32, 16
JVM = (
    "a JVM's memory is what its heap was let grow to, not what it needs: set "
    "-XX:MaxRAMPercentage=75 so that the heap follows the limit, look at the heap after a full "
    "collection, and leave the rest for threads, code and buffers"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One copy at one moment: CPU in units (1,024 a core), memory in MiB."""

    service: str
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Size:
    """`cpu` (units) is the 95th percentile and 30 %, `reservation` (MiB, what ECS places by) the
    95th percentile and 10 %, `memory` (MiB, the hard limit) the most that was seen and 25 %."""

    service: str
    samples: int
    cpu_p95: float
    memory_p95: float
    memory_most: float
    cpu: int
    reservation: int
    memory: int

    @property
    def few(self) -> bool:
        return self.samples < ENOUGH


def sizes(samples: Iterable[Sample]) -> list[Size]:
    """One a service, by name."""
    by_service: dict[str, list[Sample]] = {}
    for sample in samples:
        by_service.setdefault(sample.service, []).append(sample)
    return [_size(name, seen) for name, seen in sorted(by_service.items())]


def _size(name: str, seen: list[Sample]) -> Size:
    cpu = percentile([sample.cpu for sample in seen], 0.95)
    memory = [sample.memory for sample in seen]
    usual, most = percentile(memory, 0.95), max(memory)
    limit = _up(most * MEMORY_HEADROOM, MEMORY_STEP)
    reservation = min(limit, _up(usual * SOFT_HEADROOM, MEMORY_STEP))
    given = _up(cpu * CPU_HEADROOM, CPU_STEP)
    return Size(name, len(seen), cpu, usual, most, given, reservation, limit)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was seen."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _up(number: float, step: int) -> int:
    return max(step, math.ceil(number / step) * step)
