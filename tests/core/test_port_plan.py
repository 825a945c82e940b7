"""Plans of fixed ports: they never collide, and the analysis's own does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import BadInput
from fairlead.core.port_plan import LAST, clashes, planned

ANALYSIS = {
    "frontend": 8080,
    "accounts": 8082,
    "catalog": 8083,
    "alerts": 8084,
    "text-search": 8085,
}


def continued(first: int, copies: int, step: int) -> tuple[int, ...]:
    """As the analysis goes on from a service's port."""
    return tuple(first + step * number for number in range(copies))


def test_the_two_services_that_the_analysis_writes_out_do_not_collide() -> None:
    plan = {"catalog": (8083, 8086, 8089), "alerts": (8084, 8087, 8090)}
    assert plan == {name: continued(ANALYSIS[name], 3, 3) for name in plan}
    assert clashes(plan) == ()


def test_its_step_for_all_five_collides_and_each_collision_is_named() -> None:
    plan = {name: continued(first, 3, 3) for name, first in ANALYSIS.items()}
    assert [str(each) for each in clashes(plan)] == [
        "port 8083: catalog and frontend",
        "port 8085: accounts and text-search",
        "port 8086: catalog and frontend",
        "port 8088: accounts and text-search",
    ]


def test_a_plan_for_all_five_keeps_their_first_ports() -> None:
    plan = planned(ANALYSIS, 3)
    assert {name: ports[0] for name, ports in plan.items()} == ANALYSIS
    assert clashes(plan) == ()
    assert plan["frontend"] == (8080, 8081, 8086)


@given(
    st.dictionaries(st.text("abc", min_size=1), st.integers(1024, LAST - 500), max_size=12),
    st.integers(1, 20),
    st.sets(st.integers(1024, LAST), max_size=20),
)
def test_plans_never_collide(first: dict[str, int], copies: int, taken: set[int]) -> None:
    if len(set(first.values())) < len(first):
        with pytest.raises(BadInput, match="a first port of its own"):
            planned(first, copies, taken)
        return
    plan = planned(first, copies, taken)
    assert clashes(plan) == ()
    for name, ports in plan.items():
        assert len(ports) == copies
        assert ports[0] == first[name]
        assert not set(ports[1:]) & taken
        assert max(ports) <= LAST


def test_a_port_twice_within_one_service_is_a_collision() -> None:
    assert str(clashes({"catalog": (8083, 8083)})[0]) == "port 8083: catalog and catalog"


def test_there_must_be_ports_enough() -> None:
    with pytest.raises(BadInput, match="are not 3 free ones"):
        planned({"catalog": LAST - 1}, 4)
