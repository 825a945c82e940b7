"""What a node's proxy is to serve: the controller's table, as this node's own checks see it. Pure.

| the controller says | this node's checks say  | the node's proxy gets |
| ------------------- | ----------------------- | --------------------- |
| draining            | whatever                | draining              |
| up or down          | up                      | up                    |
| up or down          | down                    | down                  |
| up or down          | not checked here        | what it says          |
| down                | never up                | nothing of it         |

Were all that are to serve down by the checks of this node, they are up all the same, as in
core/routing.py: an answer from a sick one is never worse than none.

Near are those of this node, and those of which nobody knows the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fairlead.core.health import Health
from fairlead.core.model import Entry, EntryState, ServiceTable


def overlay(table: ServiceTable, health: Mapping[str, Health], node: str = "") -> ServiceTable:
    """`health` is by endpoint id, of those that this node checks; `node` is this node's id."""
    met = (entry for entry in table.entries if not _never_up(entry, health.get(entry.id)))
    entries = tuple(_placed(_seen_here(entry, health.get(entry.id)), node) for entry in met)
    if not any(entry.state is EntryState.UP for entry in entries):
        entries = tuple(_opened(entry) for entry in entries)
    return replace(table, entries=entries)


def _seen_here(entry: Entry, health: Health | None) -> Entry:
    if entry.state is EntryState.DRAINING or health is None:
        return entry
    if not health.up:
        return replace(entry, state=EntryState.DOWN)
    return replace(entry, state=EntryState.UP, ready_at=health.ready_at)


def _placed(entry: Entry, node: str) -> Entry:
    return replace(entry, near=entry.node in {"", node})


def _never_up(entry: Entry, health: Health | None) -> bool:
    return entry.state is EntryState.DOWN and not (health and health.ever_up)


def _opened(entry: Entry) -> Entry:
    return replace(entry, state=EntryState.UP) if entry.state is EntryState.DOWN else entry
