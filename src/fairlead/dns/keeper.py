"""Keeps the records of a cluster's names as its nodes are: told of nodes, it follows.

keeper = Keeper(provider, keeping, journal, clock, fence)
keeper.update(names, nodes)    # whenever something changed; what is the same wakes nobody
await keeper.run()             # until it is cancelled
keeper.wait_out("i-0abc")      # from when on a node that leaves may stop serving
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from fairlead.core.dns import Change, DnsNode, Problem, Record, Rules
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import FairleadError
from fairlead.dns.telling import because
from fairlead.ports import Clock, DnsProvider, Fence, Journal

SETTLE = 0.2
"""Nodes change together: so long, in seconds, the rest of a change is waited for."""
HELD_BACK = 5.0
"""Between two passes of which the first was stopped by the share of dns.most."""
DRIFT = 180.0
"""Between reads while nothing is known to have changed."""
_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """`ttl` is how long resolvers may keep an answer, and `lag` how long the provider may take to
    give a new one, in seconds. `dry`: changes are told and not made."""

    rules: Rules
    ttl: float = 60.0
    lag: float = 0.0
    dry: bool = False


async def unfenced() -> None:
    """For who is alone."""


@dataclass
class _Known:
    """What the last whole read said. `until`: from when on (monotonic) nobody asks for an address
    that is named no more."""

    read: bool = False
    named: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    until: dict[str, float] = field(default_factory=dict)
    problems: frozenset[Problem] = frozenset()
    told: tuple[Change, ...] = ()
    failures: int = 0


class Keeper:
    def __init__(
        self,
        provider: DnsProvider,
        keeping: Keeping,
        journal: Journal,
        clock: Clock,
        fence: Fence = unfenced,
    ) -> None:
        self._provider, self._keeping = provider, keeping
        self._journal, self._clock, self._fence = journal, clock, fence
        self._names: tuple[str, ...] = ()
        self._nodes: tuple[DnsNode, ...] = ()
        self._addresses: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._known = _Known()

    def update(self, names: Collection[str], nodes: Collection[DnsNode]) -> None:
        """All names that are to be kept, and all nodes with what they can do now: one that leaves
        is among them until it is gone."""
        wanted = tuple(names), tuple(sorted(nodes, key=lambda node: node.id))
        if wanted != (self._names, self._nodes):
            self._names, self._nodes = wanted
            still = {n: a for n, a in self._addresses.items() if a in self._known.named}
            self._addresses = still | {node.id: node.address for node in nodes}
            self._changed.set()

    def wait_out(self, node: str) -> float:
        """From when on (monotonic) a node may stop serving: it was taken out of DNS, and resolvers
        have forgotten it. Infinite while it is named, or while that is not known."""
        address = self._addresses.get(node)
        if address is None or self._keeping.dry:
            return -math.inf
        if not self._known.read or address in self._known.named:
            return math.inf
        return self._known.until.get(address, -math.inf)

    def held(self, node: str) -> bool:
        """It is to go, and stays named because it is the last, or too many are to go at once."""
        return self._addresses.get(node) in self._known.held

    async def run(self) -> None:
        """Follow what `update` tells, from the first time on. It may be begun again after a fault:
        what it was told before still has to be done."""
        if not (self._names or self._nodes):
            await self._changed.wait()
        while True:
            await asyncio.sleep(SETTLE)
            self._changed.clear()
            delay, patient = await self.once()
            if patient:
                await asyncio.sleep(delay)
            else:
                await self._until_changed(delay)

    async def once(self) -> tuple[float, bool]:
        """One pass. How long to wait for the next, and whether also a change has to wait so long.

        Changes are not waited for after a failure, or when a share was reached: they would be made
        faster than the guards and the provider's bounds want it.
        """
        names, nodes = self._names, self._nodes
        try:
            records = await self._provider.read(names)
            made = plan(names, nodes, records, self._keeping.rules)
            failed = await self._make(made, nodes)
        except FairleadError as error:
            return self._wait_after(error), True
        self._learn(records, made, failed)
        self._tell_problems(frozenset((*made.problems, *failed)))
        if failed:
            return self._backoff(), False
        self._known.failures = 0
        stopped = made.held and any(node.named for node in nodes)
        return (HELD_BACK, True) if stopped else (DRIFT, False)

    async def close(self) -> None:
        await self._provider.close()

    async def _make(self, made: Plan, nodes: Collection[DnsNode]) -> tuple[Problem, ...]:
        if self._keeping.dry:
            self._would(made, nodes)
            return ()
        if not made.changes:
            return ()
        failed = await self._provider.apply(made.changes, self._fence)
        bad = {problem.name for problem in failed}
        for change in made.changes:
            if change.host not in bad:
                self._journal.record("dns", "", f"{change} ({because(change, nodes)})")
        return failed

    def _would(self, made: Plan, nodes: Collection[DnsNode]) -> None:
        """The same changes are told once."""
        for change in made.changes if made.changes != self._known.told else ():
            self._journal.record("dns", "", f"dry run: {change} ({because(change, nodes)})")
        self._known.told = made.changes

    def _learn(self, records: Iterable[Record], made: Plan, failed: Collection[Problem]) -> None:
        bad = {problem.name for problem in failed}
        changes = () if self._keeping.dry else made.changes
        before = _ttls(records)
        after = _ttls(_after(records, [c for c in changes if c.host not in bad]))
        known = self._known
        unnamed = {*before, *self._addresses.values()} - after.keys()
        known.until = {address: self._until(address, before) for address in unnamed}
        known.read, known.named, known.held = True, frozenset(after), made.held

    def _until(self, address: str, before: Mapping[str, int]) -> float:
        """One that was never seen in DNS may have been there until just now, for all we know."""
        if address not in before and address in self._known.until:
            return self._known.until[address]
        ttl = max(self._keeping.ttl, before.get(address, 0))
        return self._clock.now() + ttl + self._keeping.lag

    def _tell_problems(self, problems: frozenset[Problem]) -> None:
        before, self._known.problems = self._known.problems, problems
        for problem in sorted(problems - before, key=lambda each: each.message):
            self._journal.record("dns-problem", "", problem.message)
        gone = {problem.name for problem in before} - {problem.name for problem in problems}
        for name in sorted(gone):
            self._journal.record("dns-recovered", "", f"{name or 'DNS'} is as it should be")

    def _wait_after(self, error: FairleadError) -> float:
        """It stays a problem of no name until a pass succeeds."""
        named = {problem for problem in self._known.problems if problem.name}
        self._tell_problems(frozenset({*named, Problem("", str(error))}))
        return max(self._backoff(), float(getattr(error, "retry_after", 0.0)))

    def _backoff(self) -> float:
        self._known.failures += 1
        doubled = _FIRST_BACKOFF * 2.0 ** min(self._known.failures - 1, 10)
        longest = min(_LONGEST_BACKOFF, doubled)
        return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, keeps no secret

    async def _until_changed(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return


def _after(records: Iterable[Record], changes: Iterable[Change]) -> list[Record]:
    kept = {record.key: record for record in records}
    for change in changes:
        kept.pop(change.record.key, None)
        kept |= {change.after.key: change.after} if change.after else {}
    return list(kept.values())


def _ttls(records: Iterable[Record]) -> Mapping[str, int]:
    """The longest TTL with which each address is named."""
    found: dict[str, int] = {}
    for record in records:
        for value in record.values if record.kind in {"A", "AAAA"} else ():
            found[value] = max(found.get(value, 0), record.ttl)
    return found
