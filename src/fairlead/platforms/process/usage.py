"""What the processes of endpoints use, each endpoint being a session.

There is no limit on CPU, and the machine's on memory. A process that its parent has not waited for
takes its CPU seconds with it when it ends: the sum may fall then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from fairlead import procfs
from fairlead.ports import Clock, Used


def measured(leaders: Mapping[str, int], clock: Clock) -> dict[str, Used]:
    """By endpoint id, of the sessions that these pids lead; blocks some milliseconds."""
    members = _members(set(leaders.values()))
    whole = procfs.total_bytes()
    return {
        endpoint: Used(
            clock.now(),
            sum(map(procfs.cpu_seconds, members[leader])),
            _memory(members[leader]),
            memory_limit=whole,
        )
        for endpoint, leader in leaders.items()
        if members.get(leader)
    }


def _members(sessions: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for pid, session in procfs.sessions():
        if session in sessions:
            found.setdefault(session, []).append(pid)
    return found


def _memory(pids: Sequence[int]) -> int:
    """Processes that were forked share most of their pages."""
    if len(pids) == 1:
        return procfs.resident_bytes(pids[0])
    return sum(procfs.proportional_bytes(pid) or procfs.resident_bytes(pid) for pid in pids)
