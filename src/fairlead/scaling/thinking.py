"""The policy with the memory that it keeps of one service."""

from __future__ import annotations

from fairlead.core.scaling.idle import Idle
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.rest import noticed, rest
from fairlead.core.scaling.schedules import bounds_at
from fairlead.core.scaling.verdict import Sight, Verdict


class Thinking:
    """Implements mind.Think."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._idle = Idle()

    def __call__(self, policy: Scale, sight: Sight) -> Verdict:
        least, most, _ = bounds_at(policy, sight.now)
        count = min(most, max(least, sight.wanted))
        verdict = Verdict(count, count, winner="its bounds")
        if policy.min > 0:
            return verdict
        self._idle = noticed(self._idle, sight)
        return verdict if least else rest(policy, self._idle, sight, verdict)
