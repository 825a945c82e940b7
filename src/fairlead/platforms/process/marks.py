"""Finding an endpoint's processes without a pid, by the marks that all of them inherit.

The marks are the file that they write to and FAIRLEAD_ENDPOINT in their environment. A process can
lose one of them (by writing elsewhere, or over its title), seldom both.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress

from fairlead import procfs
from fairlead.platforms.process.outputs import Outputs
from fairlead.platforms.process.spawn import ENDPOINT

_ROUNDS = 5


def find_marked(outputs: Outputs, known: Collection[str]) -> dict[str, list[int]]:
    """The living processes of each endpoint id, oldest number first, whatever session they are in.

    Ids that are not `known` are found by their output file alone, which names the state directory.
    The session that asks is left out. Reads all of /proc: some milliseconds.
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    own = os.getsid(0)
    for pid, session in procfs.sessions():
        if session != own and (endpoint_id := _owner(pid, outputs, known)):
            found[endpoint_id].append(pid)
    return {endpoint_id: sorted(pids) for endpoint_id, pids in found.items()}


def kill_marked(outputs: Outputs, known: Collection[str], doomed: Callable[[str], bool]) -> None:
    """SIGKILL every process of the doomed ids, and what these fork meanwhile."""
    for _ in range(_ROUNDS):
        found = find_marked(outputs, known)
        pids = [pid for endpoint_id in found if doomed(endpoint_id) for pid in found[endpoint_id]]
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def leader_of(pids: Collection[int]) -> int | None:
    """The one of an endpoint's processes that leads a session; the oldest, when several do."""
    leaders = [(found.ticks, pid) for pid in pids if (found := procfs.stat(pid)) and _leads(pid)]
    return min(leaders)[1] if leaders else None


def _owner(pid: int, outputs: Outputs, known: Collection[str]) -> str:
    for path in procfs.outputs(pid):
        if endpoint_id := outputs.owner(path):
            return endpoint_id
    endpoint_id = procfs.environment(pid).get(ENDPOINT, "")
    return endpoint_id if endpoint_id in known else ""


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
