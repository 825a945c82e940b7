"""The estimate against its closed forms, and what must hold for it whatever is assumed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.advice.availability import MONTH, Failures, estimate, homes
from fairlead.core.costs.strategies import STRATEGIES, strategy

GIVEN = Failures(
    node=0.99,
    copy=0.98,
    balancer=0.999,
    repair=1000.0,
    out_of_dns=50.0,
    out_of_balancer=100.0,
    deploys=10.0,
    start=26.28,
)
"""A deploy's share is 10 x 26.28 / 2,628,000 = 0.0001."""


@pytest.mark.parametrize(
    ("name", "nodes", "copies", "lost"),
    [
        ("single", 1, 1, 0.01 + 0.02 + 0.0001),
        ("single", 5, 4, 0.01 + 0.02 + 0.0001),
        ("fixed", 2, 3, 0.01 + 0.02**3),
        ("pod", 2, 2, 0.01 + 0.02**2 + 0.0001),
        ("dynamic", 2, 2, 0.01**2 + 0.01 * 50 / 1000 + 0.02**2),
        ("dynamic", 3, 2, 0.01**2 + 0.01 * 50 / 1000 + 0.02**2),
        ("dynamic", 1, 2, 0.01 + 0.02**2),
        ("alb", 3, 3, 0.01**3 + 0.01 * 100 / 1000 + 0.02**3 + 0.001),
        ("fargate", 0, 2, 0.01**2 + 0.01 * 100 / 1000 + 0.02**2 + 0.001),
    ],
)
def test_each_strategy_loses_what_its_formula_says(
    name: str, nodes: int, copies: int, lost: float
) -> None:
    found = estimate(strategy(name), nodes, copies, GIVEN)
    assert found.value == pytest.approx(1 - lost, abs=1e-12)
    assert found.minutes_lost == pytest.approx(lost * MONTH / 60)


def test_the_formula_is_made_of_its_terms() -> None:
    found = estimate(strategy("alb"), 2, 2, Failures())
    assert found.formula == "1 - (u^2 + u*60/3600 + c^2 + b)"
    single = estimate(strategy("single"), 1, 1, Failures())
    assert single.formula == "1 - (u + c + 20*30/2628000)"


def test_the_formula_gives_the_value() -> None:
    for each in STRATEGIES:
        found = estimate(each, 2, 2, GIVEN)
        names = {"u": 1 - GIVEN.node, "c": 1 - GIVEN.copy, "b": 1 - GIVEN.balancer}
        value = eval(found.formula.replace("^", "**"), {}, names)
        assert value == pytest.approx(found.value)


def test_copies_on_one_node_have_one_home() -> None:
    assert homes(strategy("dynamic"), 1, 4) == 1
    assert homes(strategy("dynamic"), 3, 2) == 2
    assert homes(strategy("fixed"), 3, 2) == 1
    assert homes(strategy("fargate"), 0, 2) == 2


shares = st.floats(0, 1)
seconds = st.floats(0, 1e6)
failures = st.builds(
    Failures,
    node=shares,
    copy=shares,
    balancer=shares,
    repair=st.floats(1, 1e6),
    out_of_dns=seconds,
    out_of_balancer=seconds,
    deploys=st.floats(0, 1e4),
    start=st.floats(0, 1e4),
)


@given(st.sampled_from(STRATEGIES), st.integers(1, 20), st.integers(1, 20), failures)
def test_it_is_a_share(each: object, nodes: int, copies: int, given_failures: Failures) -> None:
    found = estimate(each, nodes, copies, given_failures)  # type: ignore[arg-type]
    assert 0 <= found.value <= 1
    assert all(term.lost >= 0 for term in found.terms)


@given(st.sampled_from(STRATEGIES), st.integers(2, 10), st.integers(2, 10), failures)
def test_more_copies_never_lose_more(
    each: object, nodes: int, copies: int, given_failures: Failures
) -> None:
    before = estimate(each, nodes, copies, given_failures)  # type: ignore[arg-type]
    after = estimate(each, nodes, copies + 1, given_failures)  # type: ignore[arg-type]
    assert after.value >= before.value - 1e-12
