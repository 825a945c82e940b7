"""How many requests a second one endpoint can answer: given, or learned from what is seen."""

from __future__ import annotations

DISTRESS = 4.0
"""Of the budget: when so many more requests are slow, the endpoints are at their end."""
FEWEST = 10.0
"""Answers that a tick must have to teach anything."""
BUSY = 1.0
"""Requests in flight of an endpoint below which more endpoints would not help."""
NEWER = 0.2
"""The weight of a tick against those before it."""


class Capacity:
    """Nothing is known of it until endpoints are seen at their end: then it is what they answered.
    What they answer in good time later raises it."""

    __slots__ = ("_at_end", "value")

    def __init__(self) -> None:
        self.value, self._at_end = 0.0, False

    def learn(self, answered: float, in_flight: float, slow: float, budget: float) -> None:
        """`answered` (a second) and `in_flight` are of one endpoint, `slow` is a share."""
        at_end = slow > DISTRESS * budget and in_flight >= BUSY
        if at_end and answered > 0.0:
            fresh = self.value == 0.0
            self.value = answered if fresh else self.value + NEWER * (answered - self.value)
        elif self.value and slow <= budget:
            self.value = max(self.value, answered)
