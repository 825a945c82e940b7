"""Advice, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.bill_view import columns, dollars, head, micro, notes
from fairlead.cli.text import echo, printable

if TYPE_CHECKING:
    from fairlead.cli.usage_options import Asked
    from fairlead.core.advice.following import Step
    from fairlead.core.advice.rank import Choice, Needs
    from fairlead.core.advice.rightsize import Size


def show(
    wanted: Asked,
    needs: Needs,
    choices: Sequence[Choice],
    sized: Sequence[Size],
    steps: Sequence[Step],
) -> None:
    _say(*head(wanted), *_wanted(needs), "")
    _show_ranking(choices)
    _say("")
    _show_aspects(choices)
    _say("", *_formulas(choices, needs), *notes([c.bill for c in choices], wanted))
    if sized:
        _say("")
        _show_sizes(sized)
        _say(*_size_notes(sized, wanted))
    _say("", *_steps(choices[0], steps))


def _say(*lines: str) -> None:
    for line in lines:
        click.echo(printable(line))


def _wanted(needs: Needs) -> Iterator[str]:
    from fairlead.core.advice.rank import percent

    asked = []
    if needs.budget is not None:
        asked.append(f"at most {dollars(needs.budget)} a month")
    if needs.availability is not None:
        asked.append(f"{percent(needs.availability)} answered")
    if needs.survive != "nothing":
        asked.append(f"the loss of a {needs.survive} without an outage")
    if needs.by_itself:
        asked.append("scaling by itself")
    if needs.per_copy is not None:
        asked.append(f"{needs.per_copy:f} requests/s a copy")
    nothing = "nothing but the price (see --budget, --survive, --availability, --autoscale)"
    yield f"asked for: {', '.join(asked) or nothing}"


def _show_ranking(choices: Sequence[Choice]) -> None:
    from rich.text import Text

    table = columns(["", "STRATEGY"], ["A MONTH"])
    table.add_column("WHY")
    for place, choice in enumerate(choices, 1):
        rank = "-" if choice.excluded else f"{place}."
        name, total = choice.strategy.name, dollars(choice.bill.total)
        table.add_row(*map(Text, (rank, name, total, printable(choice.reason))))
    echo(table)


def _show_aspects(choices: Sequence[Choice]) -> None:
    """The table of cost, complexity, reliability, scaling and load balancing."""
    from rich.text import Text

    from fairlead.core.advice.rank import percent

    table = columns(["STRATEGY"], ["COST"])
    for name in ("COMPLEXITY", "RELIABILITY", "SCALING", "LOAD BALANCING"):
        table.add_column(name)
    for choice in choices:
        lost = f"{percent(choice.estimate.value)}, {choice.estimate.minutes_lost:,.0f} min lost"
        made = choice.character
        cells = (choice.strategy.name, dollars(choice.bill.total), made.complexity, lost)
        table.add_row(*map(Text, (*cells, made.scaling, made.balancing)))
    echo(table)


def _formulas(choices: Sequence[Choice], needs: Needs) -> Iterator[str]:
    yield "reliability is an estimate of the share of requests answered a month, of one service:"
    by_formula: dict[str, list[str]] = {}
    for choice in choices:
        by_formula.setdefault(choice.estimate.formula, []).append(choice.strategy.name)
    for formula, names in by_formula.items():
        yield f"  {', '.join(names)}: {formula}"
    yield from (f"  {line}" for line in needs.failures.stated())


def _show_sizes(sized: Sequence[Size]) -> None:
    from rich.text import Text

    left = ("SAMPLES", "CPU P95", "MEMORY P95", "MOST")
    table = columns(["SERVICE"], [*left, "CPU", "RESERVATION", "MEMORY"])
    for size in sized:
        seen = (f"{size.cpu_p95:.0f}", f"{size.memory_p95:.0f} MiB", f"{size.memory_most:.0f} MiB")
        given = (str(size.cpu), f"{size.reservation} MiB", f"{size.memory} MiB")
        cells = (printable(size.service), str(size.samples), *seen, *given)
        table.add_row(*map(Text, cells))
    echo(table)


def _size_notes(sized: Sequence[Size], wanted: Asked) -> Iterator[str]:
    from fairlead.core.advice.rightsize import ENOUGH, JVM

    if few := [size.service for size in sized if size.few]:
        yield f"! fewer than {ENOUGH} samples of {', '.join(few)}: a first guess, no more"
    yield (
        "cpu: 95th percentile + 30 %; reservation, by which ECS places: 95th percentile + 10 %; "
        "memory, the hard limit: the most seen + 25 %"
    )
    offered = wanted.prices.machine(wanted.usage.type).offered
    whole = sum(size.reservation for size in sized)
    yield f"one copy of each reserves {whole} MiB; a {wanted.usage.type} has {offered} for tasks"
    yield JVM


def _steps(first: Choice, steps: Sequence[Step]) -> Iterator[str]:
    if first.excluded:
        yield "nothing meets all that is asked for; the cheapest of all, and how to get there:"
    yield f"next, for {first.strategy.name} ({first.strategy.title}):"
    for number, step in enumerate(steps, 1):
        yield f"  {number}. {step.what}:"
        yield f"     {step.command}"


def document(
    wanted: Asked,
    needs: Needs,
    choices: Sequence[Choice],
    sized: Sequence[Size],
    steps: Sequence[Step],
) -> dict[str, Any]:
    from dataclasses import asdict

    from fairlead.cli.usage_options import as_json

    bills = [choice.bill for choice in choices]
    return {
        "region": wanted.prices.region,
        "checked": wanted.prices.checked,
        "usage": as_json(wanted.usage),
        "needs": [*_wanted(needs)],
        "strategies": [_choice(choice) for choice in choices],
        "assumptions": list(needs.failures.stated()),
        "sizes": [{**asdict(size), "few": size.few} for size in sized],
        "steps": [asdict(step) for step in steps],
        "notes": [*notes(bills, wanted)],
    }


def _choice(choice: Choice) -> dict[str, Any]:
    made = choice.character
    return {
        "strategy": choice.strategy.name,
        "title": choice.strategy.title,
        "cost": micro(choice.bill.total),
        "nodes": choice.bill.nodes,
        "availability": round(choice.estimate.value, 9),
        "minutes_lost": round(choice.estimate.minutes_lost, 3),
        "formula": choice.estimate.formula,
        "complexity": made.complexity,
        "parts": list(made.parts),
        "introduction": list(made.steps),
        "scaling": made.scaling,
        "load_balancing": made.balancing,
        "excluded": list(choice.excluded),
        "reason": choice.reason,
    }
