"""Which changes of DNS records name the nodes that can serve. Pure.

Every case of one name:

| owner           | records there   | can serve | what is done                                   |
| --------------- | --------------- | --------- | ---------------------------------------------- |
| any             | CNAME, alias    | any       | refused: a person has to decide                |
| another cluster | any             | any       | refused                                        |
| no text of ours | any             | any       | refused                                        |
| nobody          | none            | none      | nothing                                        |
| nobody          | none            | some      | owner and addresses are created                |
| nobody          | some            | any       | refused; with `adopt` owned from now on        |
| this cluster    | none            | some      | addresses are created                          |
| this cluster    | as wanted       | any       | nothing                                        |
| this cluster    | others          | some      | changed, as far as the guards permit           |
| this cluster    | some            | none      | kept as they are: `keep_last`                  |
| this cluster    | a foreign set   | any       | the foreign set is left alone, ours are kept   |

A foreign set is one of several record sets of a name (Route 53) that has an id not of our making.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fairlead.core.dns import (
    ADDRESSES,
    IMMOVABLE,
    SET,
    Change,
    DnsNode,
    Problem,
    Record,
    Rules,
    kind_of,
    listed,
    owner_name,
    owner_text,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`held` are addresses that only a guard keeps: another pass may take them away."""

    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """A name's addresses as they are, and as they are to be; `held` by guards among the latter."""

    now: frozenset[str]
    then: frozenset[str]
    held: frozenset[str] = frozenset()
    reason: str = ""

    def keeping(self, addresses: Collection[str], reason: str) -> Move:
        more = frozenset(addresses)
        return Move(self.now, self.then | more, self.held | more, reason)


def plan(
    names: Iterable[str], nodes: Collection[DnsNode], records: Iterable[Record], rules: Rules
) -> Plan:
    """What to change at these names, given all their records and those of their owners."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.name, []).append(record)
    usable, problems = _usable(nodes)
    parts = [_plan(name, usable, found, rules) for name in dict.fromkeys(names)]
    return Plan(
        tuple(change for part in parts for change in part.changes),
        (*problems, *(problem for part in parts for problem in part.problems)),
        frozenset(address for part in parts for address in part.held),
    )


def _usable(nodes: Collection[DnsNode]) -> tuple[list[DnsNode], tuple[Problem, ...]]:
    good = [node for node in nodes if kind_of(node.address)]
    bad = sorted(node.id for node in nodes if node.named and not kind_of(node.address))
    told = "has no address that DNS can name: see dns.addresses"
    return good, tuple(Problem("", f"node {node} {told}") for node in bad)


def _plan(
    name: str, nodes: Collection[DnsNode], found: Mapping[str, list[Record]], rules: Rules
) -> Plan:
    there, owners = found.get(name, []), found.get(owner_name(name), [])
    owned, refusal = _owned(name, there, owners, rules)
    if refusal:
        return Plan(problems=(Problem(name, refusal),))
    mine = [record for record in there if _is_ours(record)]
    move = _guarded(mine, nodes, rules)
    wanted = list(_laid_out(name, move.then, rules))
    if wanted and not owned:
        wanted.insert(0, _owner(name, rules))
    changes = _difference(name, mine, wanted)
    problems = (Problem(name, move.reason),) if move.reason else ()
    return Plan(tuple(changes), problems, move.held)


def _owned(
    name: str, there: Collection[Record], owners: Collection[Record], rules: Rules
) -> tuple[bool, str]:
    """Whether the name is this cluster's already; and why it must not be touched, or empty."""
    blocking = next((record for record in there if record.kind in IMMOVABLE), None)
    if blocking:
        told = f"{name} is {_an(blocking.kind)} to {_values(blocking)}"
        return False, f"{told}: delete it, or take the name out of dns.names"
    texts = {value for record in owners if record.kind == "TXT" for value in record.values}
    if texts == {owner_text(rules.cluster)}:
        return True, ""
    if texts:
        return False, _foreign(name, texts)
    if there and not rules.adopt:
        told = f"{name} has records that fairlead did not make ({_all_values(there)})"
        return False, f"{told}: delete them, or set dns.adopt: true to take them over"
    return False, ""


def _foreign(name: str, texts: Collection[str]) -> str:
    others = sorted(text.partition("cluster=")[2] for text in texts if _heritage(text))
    owner = owner_name(name)
    if others:
        told = f"{name} belongs to the cluster {', '.join(others)}, as the TXT record {owner} says"
        return f"{told}: take the name out of dns.names, or delete that record"
    return f"the TXT record {owner} is not of fairlead's making: delete it, or leave the name out"


def _heritage(text: str) -> bool:
    return text.startswith("heritage=fairlead,cluster=")


def _is_ours(record: Record) -> bool:
    return record.kind in ADDRESSES and (not record.set_id or record.set_id.startswith(SET))


def _guarded(mine: Iterable[Record], nodes: Collection[DnsNode], rules: Rules) -> Move:
    now = frozenset(value for record in mine for value in record.values)
    then = frozenset(node.address for node in nodes if node.named)
    return at_most(keep_last(Move(now, then)), nodes, rules.most)


def keep_last(move: Move) -> Move:
    """A name that has addresses is never left with none: an answer may fail, no answer must."""
    if move.then or not move.now:
        return move
    return move.keeping(move.now, f"no node can serve: {listed(move.now)} stays named")


def at_most(move: Move, nodes: Collection[DnsNode], share: float) -> Move:
    """Take away no more than the share, at least one: those that cannot serve before leaving ones.

    A controller that is wrong about many nodes at once is stopped half way.
    """
    serving = {node.address for node in nodes if node.serving}
    leaving = sorted(move.now - move.then, key=lambda address: (address in serving, address))
    allowed = max(1, int(len(move.now) * share + 1e-9))
    if len(leaving) <= allowed:
        return move
    kept = leaving[allowed:]
    told = f"{len(leaving)} of {len(move.now)} addresses are to go, {allowed} at a time"
    return move.keeping(kept, f"{told} (dns.most): {listed(kept)} stays named until the next pass")


def _laid_out(name: str, addresses: Collection[str], rules: Rules) -> Iterator[Record]:
    form, ttl = rules.form, rules.ttl
    for kind in ADDRESSES:
        of_kind = tuple(sorted(a for a in addresses if kind_of(a) == kind))
        if form.each:
            yield from (Record(name, kind, (a,), ttl, SET + a, form.routing) for a in of_kind)
        elif of_kind:
            yield Record(name, kind, of_kind, ttl, "", form.routing)


def _owner(name: str, rules: Rules) -> Record:
    return Record(owner_name(name), "TXT", (owner_text(rules.cluster),), rules.ttl)


def _difference(host: str, now: Iterable[Record], wanted: Iterable[Record]) -> Iterator[Change]:
    """Additions first: a provider that cannot do all at once never leaves the name empty."""
    before = {record.key: record for record in now}
    after = {record.key: record for record in wanted}
    for key, record in after.items():
        if before.get(key) != record:
            yield Change(host, before.get(key), record)
    yield from (Change(host, record, None) for key, record in before.items() if key not in after)


def _an(kind: str) -> str:
    return "an alias" if kind == "ALIAS" else f"a {kind}"


def _values(record: Record) -> str:
    return listed(record.values)


def _all_values(records: Iterable[Record]) -> str:
    return listed({value for record in records for value in record.values})
