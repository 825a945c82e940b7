"""The machine's clocks."""

import time


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()
