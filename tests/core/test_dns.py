"""The cases of the plan's table, its guards, and what holds for any nodes and records."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.dns import (
    Change,
    DnsNode,
    Form,
    Record,
    Rules,
    kind_of,
    owner_name,
    owner_text,
)
from fairlead.core.dns_plan import Move, Plan, at_most, keep_last, plan

NAME = "shop.example.com"
RULES = Rules("shop")
OWNER = Record(owner_name(NAME), "TXT", (owner_text("shop"),), 60)


def node(number: int, **more: bool) -> DnsNode:
    return DnsNode(f"n{number}", f"10.0.1.{number}", **more)


def named(*numbers: int, ttl: int = 60) -> Record:
    return Record(NAME, "A", tuple(sorted(f"10.0.1.{n}" for n in numbers)), ttl)


def one(number: int) -> Record:
    address = f"10.0.1.{number}"
    return Record(NAME, "A", (address,), 60, f"fairlead:{address}", "multivalue")


def planned(nodes: Iterable[DnsNode], *records: Record, rules: Rules = RULES) -> Plan:
    return plan([NAME], list(nodes), records, rules)


def refused(made: Plan) -> str:
    assert made.changes == ()
    (problem,) = made.problems
    assert problem.name == NAME
    return problem.message


def test_nobodys_name_without_nodes_stays_as_it_is() -> None:
    assert planned([]) == planned([node(1, serving=False)]) == Plan()


def test_a_new_name_gets_its_owner_first_and_all_nodes_that_can_serve() -> None:
    made = planned([node(2), node(1), node(3, serving=False), node(4, leaving=True)])
    assert made == Plan((Change(NAME, None, OWNER), Change(NAME, None, named(1, 2))))


def test_what_is_as_wanted_is_not_changed() -> None:
    assert planned([node(1), node(2)], OWNER, named(1, 2)) == Plan()


def test_an_owned_name_without_addresses_gets_them() -> None:
    assert planned([node(1)], OWNER).changes == (Change(NAME, None, named(1)),)


@pytest.mark.parametrize("now", [named(1, 3), named(1, 2, ttl=300), named(1)])
def test_drift_is_put_right(now: Record) -> None:
    made = planned([node(1), node(2)], OWNER, now)
    assert made == Plan((Change(NAME, now, named(1, 2)),))


def test_records_that_fairlead_did_not_make_are_refused_and_the_way_out_is_told() -> None:
    message = refused(planned([node(1)], named(9)))
    assert "10.0.1.9" in message
    assert "delete them" in message
    assert "adopt: true" in message


def test_adopted_records_are_owned_and_changed() -> None:
    made = planned([node(1)], named(1, 9, ttl=300), rules=replace(RULES, adopt=True))
    assert made.changes == (
        Change(NAME, None, OWNER),
        Change(NAME, named(1, 9, ttl=300), named(1)),
    )


@pytest.mark.parametrize("owners", [(), (OWNER,)])
@pytest.mark.parametrize("kind", ["CNAME", "ALIAS"])
def test_a_cname_or_alias_is_refused_whoever_owns_the_name(
    kind: str, owners: tuple[Record, ...]
) -> None:
    alias = Record(NAME, kind, ("lb.example.com",), 60)
    rules = replace(RULES, adopt=True)
    assert "lb.example.com" in refused(planned([node(1)], *owners, alias, rules=rules))


def test_another_clusters_name_is_refused_also_to_one_that_adopts() -> None:
    theirs = replace(OWNER, values=(owner_text("other"),))
    made = planned([node(1)], theirs, named(9), rules=replace(RULES, adopt=True))
    assert "belongs to the cluster other" in refused(made)


@pytest.mark.parametrize("texts", [("v=spf1 -all",), (owner_text("shop"), "more")])
def test_an_owner_record_with_other_texts_is_refused(texts: tuple[str, ...]) -> None:
    assert owner_name(NAME) in refused(planned([node(1)], replace(OWNER, values=texts)))


def test_the_last_addresses_stay_when_no_node_can_serve() -> None:
    made = planned([node(1, serving=False)], OWNER, named(1, 2))
    assert made.changes == ()
    assert made.held == {"10.0.1.1", "10.0.1.2"}
    assert "no node can serve" in made.problems[0].message


def test_only_a_share_goes_in_one_pass_those_that_cannot_serve_first() -> None:
    now = named(1, 2, 3, 4)
    nodes = [node(1, leaving=True), node(2, leaving=True), node(3, serving=False), node(4)]
    made = planned(nodes, OWNER, now)
    assert made.changes == (Change(NAME, now, named(2, 4)),)
    assert made.held == {"10.0.1.2"}
    assert "3 of 4 addresses are to go, 2 at a time" in made.problems[0].message


def test_one_may_always_go() -> None:
    rules = replace(RULES, most=0.01)
    made = planned([node(1)], OWNER, named(1, 2), rules=rules)
    assert made == Plan((Change(NAME, named(1, 2), named(1)),))


def test_one_names_refusal_does_not_block_another() -> None:
    made = plan([NAME, "www.example.com"], [node(1)], [named(9)], RULES)
    assert {change.host for change in made.changes} == {"www.example.com"}
    assert [problem.name for problem in made.problems] == [NAME]


MULTI = replace(RULES, form=Form("multivalue", each=True))


def test_a_set_for_each_address_is_made_and_taken_away_alone() -> None:
    made = planned([node(1), node(3)], OWNER, one(1), one(2), rules=MULTI)
    assert made.changes == (Change(NAME, None, one(3)), Change(NAME, one(2), None))


def test_a_set_that_is_not_ours_is_left_alone_at_an_owned_name() -> None:
    theirs = replace(one(9), set_id="blue")
    made = planned([node(2)], OWNER, theirs, one(1), rules=MULTI)
    assert made.changes == (Change(NAME, None, one(2)), Change(NAME, one(1), None))
    assert "adopt" in refused(planned([node(2)], theirs, rules=MULTI))


def test_another_form_replaces_the_records_of_the_first() -> None:
    made = planned([node(1)], OWNER, named(1), rules=MULTI)
    assert made.changes == (Change(NAME, None, one(1)), Change(NAME, named(1), None))


def test_both_kinds_of_addresses_have_their_records() -> None:
    made = planned([node(1), DnsNode("six", "2001:db8::1")], OWNER)
    six = Record(NAME, "AAAA", ("2001:db8::1",), 60)
    assert made.changes == (Change(NAME, None, named(1)), Change(NAME, None, six))


def test_a_node_without_a_good_address_is_told_and_does_not_block_the_rest() -> None:
    made = planned([node(1), DnsNode("odd", ""), DnsNode("host", "example.com")], OWNER)
    assert made.changes == (Change(NAME, None, named(1)),)
    assert [p.message.split()[1] for p in made.problems] == ["host", "odd"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.1.100", "A"),
        ("::1", "AAAA"),
        ("0.0.0.0", ""),
        ("::ffff:10.0.0.1", ""),
        ("fe80::1%eth0", ""),
        ("10.0.1", ""),
        ("", ""),
        ("10.0.0.1\n", ""),
    ],
)
def test_what_is_an_address(address: str, kind: str) -> None:
    assert kind_of(address) == kind


def test_a_change_says_itself() -> None:
    assert str(Change(NAME, named(1), named(1, 2))) == (
        f"update {NAME} A 10.0.1.1 ttl 60 -> 10.0.1.1, 10.0.1.2 ttl 60"
    )
    assert str(Change(NAME, None, one(1))) == f"create {NAME} A 10.0.1.1 ttl 60 multivalue"
    assert str(Change(NAME, named(1), None)) == f"delete {NAME} A 10.0.1.1 ttl 60"


NUMBERS = st.frozensets(st.integers(1, 12), max_size=12)
FORMS = st.sampled_from([Form(), Form("multivalue", each=True)])


@st.composite
def nodes(draw: st.DrawFn) -> list[DnsNode]:
    numbers = draw(NUMBERS)
    flag = st.booleans()
    return [node(n, serving=draw(flag), leaving=draw(flag)) for n in sorted(numbers)]


def applied(records: Collection[Record], made: Plan) -> set[Record]:
    after = set(records)
    for change in made.changes:
        assert (change.before is None) or change.before in after
        after -= {change.before} if change.before else set()
        after |= {change.after} if change.after else set()
    return after


def addresses(records: Iterable[Record]) -> set[str]:
    return {v for r in records if r.kind == "A" for v in r.values}


@given(start=nodes(), then=nodes(), form=FORMS, most=st.floats(0.0, 1.0))
def test_passes_lead_to_what_is_wanted_within_the_guards(
    start: list[DnsNode], then: list[DnsNode], form: Form, most: float
) -> None:
    rules = replace(RULES, form=form, most=most)
    records = applied(set(), planned(start, rules=rules))
    wanted = {each.address for each in then if each.named}
    for _ in range(13):
        before = addresses(records)
        made = planned(then, *records, rules=rules)
        records = applied(records, made)
        gone = before - addresses(records)
        assert len(gone) <= max(1, len(before) * most + 1e-9)
        assert addresses(records) or not before
        assert made.held <= addresses(records)
    assert addresses(records) == (wanted or addresses(applied(set(), planned(start))))
    assert planned(then, *records, rules=rules).changes == ()


@given(now=NUMBERS, then=NUMBERS, share=st.floats(0, 1))
def test_guards_only_ever_keep_what_is_there(
    now: frozenset[int], then: frozenset[int], share: float
) -> None:
    move = Move(frozenset(map(str, now)), frozenset(map(str, then)))
    for guarded in (keep_last(move), at_most(move, [], share)):
        assert move.then <= guarded.then <= move.now | move.then
        assert guarded.held == guarded.then - move.then
        assert bool(guarded.held) == bool(guarded.reason)
