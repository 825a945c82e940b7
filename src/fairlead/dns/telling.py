"""Why a record changes, in words for the journal and the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fairlead.core.dns import ADDRESSES, Change, DnsNode, listed


def because(change: Change, nodes: Collection[DnsNode]) -> str:
    """`n2 can serve, 10.0.1.9 is no node`."""
    if change.record.kind not in ADDRESSES:
        return "the name is fairlead's now"
    before = set(change.before.values) if change.before else set()
    after = set(change.after.values) if change.after else set()
    reasons = [_reason(address, nodes) for address in sorted(before ^ after)]
    return listed(reasons) if reasons else "put right"


def _reason(address: str, nodes: Collection[DnsNode]) -> str:
    of_address = [node for node in nodes if node.address == address]
    if not of_address:
        return f"{address} is no node"
    return ", ".join(dict.fromkeys(_states(of_address)))


def _states(nodes: Collection[DnsNode]) -> Iterator[str]:
    for node in nodes:
        yield f"{node.id} leaves" if node.leaving else f"{node.id} {_can(node)} serve"


def _can(node: DnsNode) -> str:
    return "can" if node.serving else "cannot"
