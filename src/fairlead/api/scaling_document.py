"""What the scaler says of itself: in short in the status document, in full for `--explain`.

Times are seconds since the epoch.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class ScaledDoc(TypedDict):
    """In the status document. `min` and `max` are the bounds of now, schedules included; `wanted`
    is the count that the policy asks for before anything holds it back, None while it has no
    answer; `missing` how many of it find no place; `paused` why the scaler changes nothing, empty
    where it acts; `why` the reason for the count."""

    min: int
    max: int
    wanted: int | None
    missing: int
    paused: str
    why: str


class OpinionDoc(TypedDict):
    """What one metric asks for: `count` is None where it has no say."""

    metric: str
    value: float | None
    target: float
    count: int | None
    why: str


class ReadingDoc(TypedDict):
    """`age` in seconds."""

    value: float
    age: float


class LoadDoc(TypedDict):
    """Of the last seconds: `rate` in requests a second, `age` in seconds."""

    rate: float
    in_flight: float
    held: float
    slow: float
    failed: float
    age: float


class ChangeDoc(TypedDict):
    """Not `done`: it would have been made, if the scaler acted."""

    at: float
    before: int
    after: int
    why: str
    done: bool


class ScalingDoc(TypedDict):
    """All that the scaler thinks of one service.

    `desired` is wanted, `count` what is left of it once all that holds it back (`held`) is reckoned
    in; both are None while there is no verdict, and `block` says why, or why a verdict is not
    carried out. `trial`: the service has no scale section, and the default policy is tried on it.
    `gaps` say by metric why it is not known. `placeable` is the most that find a place, and `limit`
    what keeps it from being more. `start_time` in seconds, 0 where none was seen.
    """

    service: str
    trial: bool
    min: int
    max: int
    schedule: str
    replicas: int
    ready: int
    starting: int
    desired: int | None
    count: int | None
    why: str
    block: str
    paused: str
    held: list[str]
    opinions: list[OpinionDoc]
    load: NotRequired[LoadDoc]
    readings: dict[str, ReadingDoc]
    gaps: dict[str, str]
    placeable: int | None
    limit: str
    missing: int
    start_time: float
    changes: list[ChangeDoc]
