"""The health of an endpoint from what several agents see of it.

An endpoint is up while at least half of the agents that have checked it say so: one node that
cannot reach it does not take it from the others, each of which follows its own checks anyway.
"""

from __future__ import annotations

from collections.abc import Collection

from fairlead.core.health import Health

NONE = Health()


def tally(votes: Collection[Health], before: Health = NONE) -> Health:
    """What to believe; with no votes, what was believed before."""
    if not votes:
        return before
    ups = [vote for vote in votes if vote.up]
    if 2 * len(ups) >= len(votes):
        return _up(ups, before)
    problem = next(vote.problem for vote in votes if not vote.up)
    ever = before.ever_up or any(vote.ever_up for vote in votes)
    return Health(up=False, ever_up=ever, problem=problem, ready_at=before.ready_at)


def _up(ups: Collection[Health], before: Health) -> Health:
    """It has been ready since the first of them found it so."""
    ready_at = before.ready_at if before.up else min(vote.ready_at for vote in ups)
    return Health(up=True, ever_up=True, ready_at=ready_at)
