from __future__ import annotations

from fairlead.agent.overlay import overlay
from fairlead.core.health import Health
from fairlead.core.model import Entry, EntryState, ServiceTable

UP, DOWN, DRAINING = EntryState.UP, EntryState.DOWN, EntryState.DRAINING
WELL = Health(up=True, ever_up=True, ready_at=7.0)
ILL = Health(up=False, ever_up=True, problem="status 503")
NEW = Health()


def served(*entries: tuple[str, EntryState], **health: Health) -> dict[str, EntryState]:
    table = ServiceTable(
        "app", (), tuple(Entry(key, "10.0.0.1", 80, state) for key, state in entries)
    )
    return {entry.id: entry.state for entry in overlay(table, health).entries}


def test_a_draining_one_is_draining_whatever_is_seen_of_it() -> None:
    assert served(("a", DRAINING), ("b", UP), a=WELL) == {"a": DRAINING, "b": UP}
    assert served(("a", DRAINING), ("b", UP), a=ILL) == {"a": DRAINING, "b": UP}


def test_what_this_node_sees_counts_more_than_what_the_controller_says() -> None:
    assert served(("a", UP), ("b", UP), a=ILL, b=WELL) == {"a": DOWN, "b": UP}
    assert served(("a", DOWN), ("b", UP), a=WELL) == {"a": UP, "b": UP}


def test_what_is_not_checked_here_is_as_the_controller_says() -> None:
    assert served(("a", UP)) == {"a": UP}


def test_a_new_one_is_left_out_until_it_was_up_once() -> None:
    assert served(("a", DOWN), ("b", UP), a=NEW) == {"b": UP}
    assert served(("a", DOWN)) == {}


def test_a_node_that_reaches_none_of_them_tries_all() -> None:
    assert served(("a", UP), ("b", UP), a=ILL, b=ILL) == {"a": UP, "b": UP}
    assert served(("a", UP), ("b", DRAINING), a=ILL) == {"a": UP, "b": DRAINING}


def test_it_is_ready_since_this_node_found_it_so() -> None:
    table = ServiceTable("app", (), (Entry("a", "10.0.0.1", 80, DOWN),))
    assert overlay(table, {"a": WELL}).entries[0].ready_at == 7.0


def test_near_are_those_of_this_node_and_of_none_known() -> None:
    entries = (Entry("a", "10.0.0.1", 80, node="n1"), Entry("b", "10.0.0.2", 80, node="n2"))
    table = ServiceTable("app", (), (*entries, Entry("c", "10.0.0.3", 80)))
    near = {node: [e.near for e in overlay(table, {}, node).entries] for node in ("n1", "n2")}
    assert near == {"n1": [True, False, True], "n2": [False, True, True]}
    told_by_n1 = overlay(table, {}, "n1")
    assert [e.near for e in overlay(told_by_n1, {}, "n2").entries] == near["n2"]
