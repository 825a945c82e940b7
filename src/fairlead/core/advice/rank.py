"""Strategies in the order to choose from, each with its reason, or with what excludes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal

from fairlead.core.advice.availability import Estimate, Failures, estimate, homes
from fairlead.core.advice.character import CHARACTERS, Character
from fairlead.core.costs.bill import Bill
from fairlead.core.costs.prices import Machine
from fairlead.core.costs.strategies import Strategy, strategy
from fairlead.core.costs.usage import Usage

SURVIVE = ("nothing", "copy", "node")
NGINX_SECONDS = 21.9e-6
"""CPU that nginx takes a request, as measured (README, throughput)."""
NGINX_SHARE = 0.5
"""Of a node's CPU, at the most: the rest is the services'."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`budget`: dollars a month; `availability`: 0 to 1; `survive`: what may go without an outage;
    `peak` and `per_copy`: requests a second, of all services at the busiest, and that one copy
    takes. None, "nothing" and False where nothing is asked for."""

    budget: Decimal | None = None
    availability: float | None = None
    survive: str = "nothing"
    by_itself: bool = False
    peak: Decimal | None = None
    per_copy: Decimal | None = None
    failures: Failures = field(default_factory=Failures)


@dataclass(frozen=True, slots=True)
class Choice:
    """`excluded`: why it is none, empty when it meets all that is asked for."""

    strategy: Strategy
    bill: Bill
    estimate: Estimate
    character: Character
    excluded: tuple[str, ...]
    reason: str = ""


def rank(bills: tuple[Bill, ...], usage: Usage, machine: Machine, needs: Needs) -> list[Choice]:
    """Those that meet the needs first, the cheapest of them before the others (at the same price
    the one with fewer parts); then the excluded, by price."""
    choices = [_choice(bill, usage, machine, needs) for bill in bills]
    choices.sort(key=lambda c: (bool(c.excluded), c.bill.total, len(c.character.parts)))
    return [_reasoned(choice, choices[0]) for choice in choices]


def _choice(bill: Bill, usage: Usage, machine: Machine, needs: Needs) -> Choice:
    chosen = strategy(bill.strategy)
    guess = estimate(chosen, bill.nodes, usage.tasks.copies, needs.failures)
    character = CHARACTERS[bill.strategy]
    choice = Choice(chosen, bill, guess, character, ())
    why = (*bill.problems, *_lacks(choice, usage, needs), *_traffic(choice, usage, machine, needs))
    return replace(choice, excluded=why)


def _lacks(choice: Choice, usage: Usage, needs: Needs) -> Iterator[str]:
    copies = 1 if choice.strategy.one_copy else usage.tasks.copies
    total = choice.bill.total
    if needs.budget is not None and total > needs.budget:
        yield f"costs {total:,.2f} a month, {total - needs.budget:,.2f} over the budget"
    if needs.availability is not None and choice.estimate.value < needs.availability:
        yield f"answers {percent(choice.estimate.value)}, less than {percent(needs.availability)}"
    if needs.survive != "nothing" and copies < 2:
        yield "the only copy may not go"
    elif needs.survive == "node" and homes(choice.strategy, choice.bill.nodes, copies) < 2:
        yield "the loss of a node is an outage of the services on it"
    if needs.by_itself and not choice.character.by_itself:
        yield f"does not scale by itself: {choice.character.scaling}"


def _traffic(choice: Choice, usage: Usage, machine: Machine, needs: Needs) -> Iterator[str]:
    peak = needs.peak if needs.peak is not None else usage.traffic.requests
    copies = 1 if choice.strategy.one_copy else usage.tasks.copies
    if needs.per_copy and peak > needs.per_copy * copies * usage.tasks.services:
        wanted = (peak / needs.per_copy / usage.tasks.services).to_integral_value(ROUND_CEILING)
        yield f"{peak:f} requests/s at the peak want {wanted:f} copies of each service"
    most = nginx_limit(machine) * max(1, choice.bill.nodes)
    if choice.strategy.balancers == "none" and peak > most:
        yield f"{peak:f} requests/s are more than its nginx should take ({most:,} on these nodes)"


def nginx_limit(machine: Machine) -> int:
    """Requests a second on one node."""
    return int(machine.vcpu * NGINX_SHARE / NGINX_SECONDS)


def _reasoned(choice: Choice, first: Choice) -> Choice:
    reason = "; ".join(choice.excluded) if choice.excluded else _reason(choice, first)
    return replace(choice, reason=reason)


def _reason(choice: Choice, first: Choice) -> str:
    answered = f"answers {percent(choice.estimate.value)}"
    if choice is first:
        return f"the cheapest that meets what is asked for; {answered}"
    more = choice.bill.total - first.bill.total
    parts = len(choice.character.parts) - len(first.character.parts)
    word = "part" if abs(parts) == 1 else "parts"
    told = f", {abs(parts)} {word} {'more' if parts > 0 else 'fewer'}" if parts else ""
    return f"{more:,.2f} a month more than {first.strategy.name}{told}; {answered}"


def percent(share: float) -> str:
    """`99.38 %`, `99.987 %`: as many digits as tell it from 100."""
    for digits in range(2, 7):
        if round(100 * share, digits) < 100:
            return f"{100 * share:.{digits}f} %"
    return "100 %"
