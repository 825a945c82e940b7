"""How much of the time requests are answered, estimated from stated assumptions.

An estimate to compare strategies by, no promise: failures are taken as independent of one another,
and all traffic as even. The formula and each of its terms are part of the result.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.core.costs.strategies import SINGLE, Strategy

MONTH = 730 * 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Shares of the time that one of each is up, and what its failures take, in seconds. `node`:
    what AWS's service level agreement promises of one instance, `balancer`: of a load balancer.
    `repair`: until a failed node is replaced. `out_of_dns`: until a dead node gets no new requests
    (10 s to notice, docs/cluster.md, and the TTL of 60 s); `out_of_balancer`: two checks 30 s
    apart. A deploy of the only copy, or of a fixed port, is an outage of `start`."""

    node: float = 0.995
    copy: float = 0.999
    balancer: float = 0.9999
    repair: float = 3600.0
    out_of_dns: float = 70.0
    out_of_balancer: float = 60.0
    deploys: float = 20.0
    start: float = 30.0

    def stated(self) -> tuple[str, ...]:
        """The assumptions in words."""
        return (
            f"u = {1 - self.node:.2%} of the time a node is down (AWS promises {self.node:.1%} of "
            f"one instance), {self.repair:g} s each time",
            f"c = {1 - self.copy:.2%} of the time a copy is down",
            f"{self.out_of_dns:g} s until a dead node is out of DNS, "
            f"{self.out_of_balancer:g} s until it is out of a load balancer's targets",
            f"b = {1 - self.balancer:.2%} of the time a load balancer is down",
            f"{self.deploys:g} deploys a month, {self.start:g} s until a copy has started",
        )


@dataclass(frozen=True, slots=True)
class Term:
    """A cause, and the share of requests that it costs."""

    text: str
    lost: float


@dataclass(frozen=True, slots=True)
class Estimate:
    terms: tuple[Term, ...]

    @property
    def value(self) -> float:
        """Share of requests answered, 0 to 1."""
        return max(0.0, 1 - sum(term.lost for term in self.terms))

    @property
    def formula(self) -> str:
        return "1 - (" + " + ".join(term.text for term in self.terms) + ")"

    @property
    def minutes_lost(self) -> float:
        """A month."""
        return (1 - self.value) * MONTH / 60


def homes(strategy: Strategy, nodes: int, copies: int) -> int:
    """On how many nodes (Fargate: machines of AWS's) a service's copies are, of which each may go
    without an outage."""
    if strategy.serverless:
        return copies
    return min(nodes, copies) if strategy.spread else 1


def estimate(strategy: Strategy, nodes: int, copies: int, failures: Failures) -> Estimate:
    """Of one service with so many copies."""
    copies = 1 if strategy.one_copy else copies
    spread = homes(strategy, nodes, copies)
    return Estimate(tuple(_terms(strategy, spread, copies, failures)))


def _terms(strategy: Strategy, spread: int, copies: int, failures: Failures) -> list[Term]:
    down, broken = 1 - failures.node, 1 - failures.copy
    behind = strategy.balancers != "none"
    window = failures.out_of_balancer if behind else failures.out_of_dns
    terms = [Term(f"u^{spread}" if spread > 1 else "u", down**spread)]
    if spread > 1:
        terms.append(Term(f"u*{window:g}/{failures.repair:g}", down * window / failures.repair))
    terms.append(Term(f"c^{copies}" if copies > 1 else "c", broken**copies))
    if behind:
        terms.append(Term("b", 1 - failures.balancer))
    if strategy is SINGLE or strategy.one_task or copies == 1:
        lost = failures.deploys * failures.start
        text = f"{failures.deploys:g}*{failures.start:g}/{MONTH}"
        terms.append(Term(text, min(1.0, lost / MONTH)))
    return terms
