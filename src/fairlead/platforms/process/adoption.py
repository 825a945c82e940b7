"""What an earlier fairlead left behind: which endpoints live, which ended, what to clear away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fairlead import procfs
from fairlead.platforms.process.marks import find_marked, kill_marked, leader_of
from fairlead.platforms.process.outputs import Outputs
from fairlead.platforms.process.records import Record, Records
from fairlead.platforms.process.session import UNKNOWN

REBOOTED = "ended (the machine was restarted)"


def adopt(records: Records, outputs: Outputs) -> list[tuple[Record, str]]:
    """Every record, oldest first, with how its endpoint ended (empty: it lives).

    Marked processes that belong to no living endpoint are killed: what a dead leader left, and
    those of which there is no record.
    """
    found = sorted(records.read(), key=lambda record: record.started)
    ids = {record.id for record in found}
    marked = find_marked(outputs, ids)
    boot = procfs.boot_id()
    completed = [_complete(record, marked.get(record.id, []), records) for record in found]
    judged = [(record, _end(record, boot)) for record in completed]
    living = {record.id for record, end in judged if not end}
    if not living.issuperset(marked):
        kill_marked(outputs, ids, lambda endpoint_id: endpoint_id not in living)
    return judged


def _complete(record: Record, marked: Collection[int], records: Records) -> Record:
    """An intent gets the process that was started for it, when there is one."""
    if record.pid:
        return record
    leader = leader_of(marked)
    found = procfs.stat(leader) if leader else None
    if leader is None or found is None:
        return record
    record = replace(record, pid=leader, ticks=found.ticks)
    records.write(record)
    return record


def _end(record: Record, boot: str) -> str:
    if record.boot != boot:
        return REBOOTED
    return "" if procfs.is_alive(record.pid, record.ticks) else UNKNOWN
