"""The API's limits on calls: token buckets, each shared by some operations.

That the four reads of tasks and nodes share 20 calls a second, 100 at once, and that service calls
are limited apart from them, is from the ECS API Reference ("Request throttling"). Operations not
listed here are not limited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fairlead.rehearsal.faults import throttled


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` calls at once, `rate` a second in the long run."""

    burst: float
    rate: float


READS = Limit(100, 20)
_LIMITS: Mapping[tuple[str, ...], Limit] = {
    (
        "ListTasks",
        "DescribeTasks",
        "ListContainerInstances",
        "DescribeContainerInstances",
    ): READS,
    ("ListServices", "DescribeServices"): Limit(100, 20),
    ("CreateService", "UpdateService", "DeleteService"): Limit(50, 5),
    ("DescribeClusters", "ListClusters"): Limit(50, 20),
    ("DescribeTaskDefinition", "ListTaskDefinitions"): Limit(100, 20),
    ("RegisterTaskDefinition", "DeregisterTaskDefinition"): Limit(20, 1),
    ("RunTask",): Limit(100, 20),
}


@dataclass(slots=True)
class Bucket:
    limit: Limit
    tokens: float
    at: float

    def take(self, now: float) -> bool:
        """One token, if there is one."""
        self.tokens = min(self.limit.burst, self.tokens + (now - self.at) * self.limit.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttle:
    """All limits together. `now` gives monotonic seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[str, Bucket] = {}
        for operations, limit in _LIMITS.items():
            bucket = Bucket(limit, limit.burst, now())
            self._buckets |= dict.fromkeys(operations, bucket)

    def take(self, operation: str) -> None:
        """Refusal (ThrottlingException) when there were too many calls."""
        bucket = self._buckets.get(operation)
        if bucket and not bucket.take(self._now()):
            raise throttled()
