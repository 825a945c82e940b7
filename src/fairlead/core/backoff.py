"""When a service whose endpoints crash may start again, and when to stop trying."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY = 10.0
"""An endpoint that lived so long, in seconds, and was ready ends a row of failures."""
TRIES = 8


@dataclass(frozen=True, slots=True)
class Backoff:
    """`failures` in a row, no start before `not_before` (monotonic), and why it was given up.

    `last` says how the last try failed.
    """

    failures: int = 0
    not_before: float = 0.0
    counted_at: float = float("-inf")
    given_up: str = ""
    last: str = ""


def after_exit(
    backoff: Backoff, started: float, now: float, *, was_ready: bool, why: str
) -> Backoff:
    """The back-off after an endpoint, started at `started`, ended unasked at `now`.

    A long and useful life ends the row: its replacement starts at once. Endpoints that fall
    together count once: only one started after the last counted failure is a new try.
    """
    if was_ready and now - started >= STEADY:
        return Backoff(counted_at=now)
    if started < backoff.counted_at:
        return backoff
    failures = backoff.failures + 1
    delay = min(FIRST_DELAY * 2 ** (failures - 1), LONGEST_DELAY)
    given_up = (
        f"crash loop: {failures} starts in a row failed, last: {why}" if failures >= TRIES else ""
    )
    return Backoff(failures, now + delay, now, given_up, why)
