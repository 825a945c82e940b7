"""One service's counters of all nodes, kept from read to read.

Each row (a node's proxy, an endpoint) is measured over the time between its own two counts: agents
report when they do, a read may come late or fail, and a clock that is set does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.core.errors import MeterError
from fairlead.core.model import Counters
from fairlead.meters.rates import NOTHING, Rates, between, total
from fairlead.ports import Tally

STALE = 15.0
"""Seconds after which a node's count says nothing of now (agents report every 5 s)."""
LONGEST = 60.0
"""Seconds: over a longer time a mean is no rate; the count after it is a first one."""
SHORTEST = 0.05
"""Seconds: over a shorter time chance would be measured."""


@dataclass(slots=True)
class _Row:
    """`rates` is None after a first count."""

    counters: Counters
    at: float
    rates: Rates | None


@dataclass(slots=True)
class _Node:
    """`arriving`: requests a second that came and are held, or were refused. `gone` are rows that
    may come back with what they had counted."""

    at: float
    held: int
    refused: int
    arriving: float = 0.0
    failing: float = 0.0
    span: float = 0.0
    rows: dict[str, _Row] = field(default_factory=dict)
    gone: dict[str, _Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """What goes through a service. `span`: seconds that it was measured over, `age`: since when
    it is known; `held` requests are among those `in_flight`."""

    rates: Rates
    span: float
    age: float
    in_flight: int
    held: int


class Counted:
    """Times are monotonic seconds."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {}
        self._silent: tuple[str, ...] = ()

    def take(self, tallies: Mapping[str, Tally | None]) -> None:
        """The next read, whole: nodes that are not in it have gone."""
        later = {name: _later(self._nodes.get(name), tally) for name, tally in tallies.items()}
        self._nodes = {name: node for name, node in later.items() if node is not None}
        self._silent = tuple(sorted(later.keys() - self._nodes.keys()))

    def flow(self, now: float) -> Flow:
        """MeterError while a part of it is not known."""
        nodes = self._nodes
        if self._silent or not nodes:
            raise MeterError(_not_counted(self._silent))
        name, oldest = min(nodes.items(), key=lambda each: each[1].at)
        if now - oldest.at > STALE:
            raise MeterError(f"{_proxy_of(name)} has told no counters for {now - oldest.at:.0f} s")
        if first := [name for name, node in nodes.items() if not node.span]:
            raise MeterError(f"{_proxy_of(first[0])} has been read once: rates need two reads")
        return _flow(tuple(nodes.values()), now - oldest.at)


def _proxy_of(node: str) -> str:
    return f"node {node}'s proxy" if node else "the proxy"


def _not_counted(silent: tuple[str, ...]) -> str:
    return f"not told yet by {', '.join(silent)}" if silent else "the proxy counts no requests"


def _flow(nodes: tuple[_Node, ...], age: float) -> Flow:
    rows = [row for node in nodes for row in node.rows.values()]
    held = sum(node.held for node in nodes)
    moved = total(row.rates for row in rows if row.rates is not None)
    arrivals = max(0.0, moved.arrivals + sum(node.arriving for node in nodes))
    refused = sum(node.failing for node in nodes)
    return Flow(
        Rates(arrivals, moved.answers, moved.errors, moved.failures + refused, moved.latency),
        max(node.span for node in nodes),
        age,
        sum(row.counters.in_flight for row in rows) + held,
        held,
    )


def _later(before: _Node | None, tally: Tally | None) -> _Node | None:
    """What is known of a node after it has counted again, or has said nothing."""
    if tally is None:
        return before
    span = tally.at - before.at if before else 0.0
    if before is None or span > LONGEST:
        rows = {key: _Row(counters, tally.at, None) for key, counters in tally.counters.items()}
        return _Node(tally.at, tally.held, tally.refused, rows=rows)
    if span < SHORTEST:
        return before
    rows = {key: _row(before, key, counters, tally.at) for key, counters in tally.counters.items()}
    gone = {key: row for key, row in _past(before).items() if key not in rows}
    kept = {key: row for key, row in gone.items() if tally.at - row.at <= LONGEST}
    refused = max(0, tally.refused - before.refused) / span
    arriving = (tally.held - before.held) / span + refused
    return _Node(tally.at, tally.held, tally.refused, arriving, refused, span, rows, kept)


def _past(node: _Node) -> dict[str, _Row]:
    return {**node.gone, **node.rows}


def _row(node: _Node, key: str, counters: Counters, at: float) -> _Row:
    """An endpoint that is new to a node has been counted there from zero."""
    before = node.rows.get(key) or node.gone.get(key)
    earlier, since = (before.counters, before.at) if before else (NOTHING, node.at)
    return _Row(counters, at, between(earlier, counters, at - since))
