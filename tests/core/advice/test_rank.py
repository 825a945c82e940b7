"""What is ranked first, what is excluded and why, and that the next steps can be taken."""

from __future__ import annotations

import shlex
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.cli.main import COMMANDS
from fairlead.core.advice.character import CHARACTERS
from fairlead.core.advice.following import Names, following
from fairlead.core.advice.rank import SURVIVE, Choice, Needs, nginx_limit, percent, rank
from fairlead.core.costs.billing import bills
from fairlead.core.costs.strategies import NAMES
from fairlead.core.costs.usage import Tasks, Traffic, Usage
from fairlead.prices.read import builtin

US = builtin().region("us-east-1")


def ranked(needs: Needs, usage: Usage | None = None) -> list[Choice]:
    usage = usage or Usage()
    return rank(bills(usage, US), usage, US.machine(usage.type), needs)


def excluded(needs: Needs, usage: Usage | None = None) -> dict[str, tuple[str, ...]]:
    return {c.strategy.name: c.excluded for c in ranked(needs, usage) if c.excluded}


def test_nothing_asked_for_is_one_copy() -> None:
    found = ranked(Needs())
    assert found[0].strategy.name == "single"
    assert found[0].reason.startswith("the cheapest that meets what is asked for")
    assert not excluded(Needs())


def test_a_node_that_may_go_leaves_those_that_spread() -> None:
    found = ranked(Needs(survive="node"))
    assert found[0].strategy.name == "dynamic"
    out = excluded(Needs(survive="node"))
    assert set(out) == {"single", "fixed", "pod"}
    assert out["single"] == ("the only copy may not go",)


def test_copies_on_a_single_node_do_not_survive_it() -> None:
    out = excluded(Needs(survive="node"), Usage(nodes=1, tasks=Tasks(services=1)))
    assert "dynamic" in out
    assert "alb" in out
    assert "fargate" not in out


def test_a_copy_that_may_go_excludes_the_only_one() -> None:
    assert set(excluded(Needs(survive="copy"))) == {"single"}


def test_a_budget_says_by_how_much_it_is_exceeded() -> None:
    out = excluded(Needs(budget=Decimal(30)))
    assert set(out) == {"service-connect", "alb", "alb-shared", "fargate"}
    assert out["alb-shared"] == ("costs 51.84 a month, 21.84 over the budget",)


def test_availability_is_asked_of_the_estimate() -> None:
    assert set(excluded(Needs(availability=0.999))) == {"single", "fixed", "pod"}
    assert set(excluded(Needs(availability=1.0))) == set(NAMES)


def test_scaling_by_itself_is_asked_of_the_character() -> None:
    assert set(excluded(Needs(by_itself=True))) == {"single", "fixed", "pod"}


def test_traffic_that_one_copy_does_not_take_excludes_it() -> None:
    needs = Needs(peak=Decimal(60), per_copy=Decimal(10))
    out = excluded(needs)
    assert set(out) == {"single"}
    assert out["single"] == ("60 requests/s at the peak want 2 copies of each service",)
    more = excluded(replace(needs, peak=Decimal(101)))
    assert "want 3 copies" in more["alb"][0]


def test_traffic_beyond_nginx_excludes_what_has_no_balancer() -> None:
    most = nginx_limit(US.machine("t3.micro"))
    assert most == 45662
    out = excluded(Needs(peak=Decimal(most * 2 + 1)))
    assert set(out) == {"single", "dynamic", "fixed", "pod"}


def test_a_task_that_fits_nowhere_excludes() -> None:
    out = excluded(Needs(), Usage(tasks=Tasks(memory=2048)))
    assert "fargate" not in out
    assert "fits on no t3.micro" in out["dynamic"][0]


def test_reasons_compare_with_the_first() -> None:
    second = ranked(Needs(survive="node"))[1]
    assert second.strategy.name == "service-connect"
    assert second.reason.startswith("13.39 a month more than dynamic; answers")


needs_of_all_kinds = st.builds(
    Needs,
    budget=st.none() | st.integers(0, 500).map(Decimal),
    availability=st.none() | st.floats(0, 1),
    survive=st.sampled_from(SURVIVE),
    by_itself=st.booleans(),
    peak=st.none() | st.integers(0, 10**6).map(Decimal),
    per_copy=st.none() | st.integers(1, 1000).map(Decimal),
)
usages = st.builds(
    Usage,
    nodes=st.none() | st.integers(1, 5),
    tasks=st.builds(Tasks, services=st.integers(1, 20), copies=st.integers(1, 6)),
    traffic=st.builds(Traffic, requests=st.integers(0, 1000).map(Decimal)),
)


@given(needs_of_all_kinds, usages)
def test_what_meets_the_needs_comes_first_and_by_price(needs: Needs, usage: Usage) -> None:
    found = ranked(needs, usage)
    assert {choice.strategy.name for choice in found} == set(NAMES)
    order = [(bool(choice.excluded), choice.bill.total) for choice in found]
    assert order == sorted(order)
    assert all(choice.reason for choice in found)


@given(needs_of_all_kinds, usages)
def test_asking_for_less_excludes_no_more(needs: Needs, usage: Usage) -> None:
    assert set(excluded(replace(needs, budget=None), usage)) <= set(excluded(needs, usage))
    assert set(excluded(replace(needs, survive="nothing"), usage)) <= set(excluded(needs, usage))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.9938, "99.38 %"), (0.99987, "99.99 %"), (0.999999, "99.9999 %"), (1.0, "100 %")],
)
def test_a_share_keeps_the_digits_that_tell_it_from_all(share: float, text: str) -> None:
    assert percent(share) == text


def test_every_strategy_has_a_character_and_three_steps() -> None:
    assert set(CHARACTERS) == set(NAMES)
    for name in NAMES:
        assert len(following(name, Names())) == 3


@pytest.mark.parametrize("name", NAMES)
def test_steps_of_fairlead_are_commands_that_it_has(name: str) -> None:
    for step in following(name, Names("shop", "catalog", 3)):
        words = shlex.split(step.command)
        assert words[0] != "fairlead" or words[1] in COMMANDS
        assert "{" not in step.command


def test_complexity_is_counted() -> None:
    assert CHARACTERS["single"].complexity == "low (2 parts, 0 steps)"
    assert CHARACTERS["alb-shared"].complexity == "medium (4 parts, 4 steps)"
    assert CHARACTERS["dynamic"].complexity == "high (5 parts, 4 steps)"


def test_a_name_from_outside_is_no_command() -> None:
    steps = following("dynamic", Names("a; rm -rf /", "$(reboot)", 2))
    words = [shlex.split(step.command, posix=False) for step in steps]
    assert "'a; rm -rf /'" in words[2]
    assert "'$(reboot)'" in words[2]
