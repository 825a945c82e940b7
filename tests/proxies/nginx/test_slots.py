from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import ProxyError
from fairlead.proxies.nginx.slots import Slots

names = st.sampled_from("abc")
entries = st.sets(st.sampled_from([f"e{n}" for n in range(6)]))


def test_an_entry_keeps_its_slot_and_a_leaving_one_frees_it_after_the_push() -> None:
    slots = Slots()
    assert slots.assign("a", ["x", "y"]) == {"x": 0, "y": 1}
    slots.keep("a", ["x", "y"])
    assert slots.assign("a", ["y", "z"]) == {"y": 1, "z": 2}
    slots.keep("a", ["y", "z"])
    assert slots.assign("b", ["x"]) == {"x": 0}


def test_the_bound_is_an_error_and_frees_again() -> None:
    slots = Slots(bound=2)
    slots.assign("a", ["x", "y"])
    with pytest.raises(ProxyError, match="no more than 2 endpoints"):
        slots.assign("b", ["z"])
    slots.keep("a", ["x"])
    assert slots.assign("b", ["z"]) == {"z": 1}


def test_restored_slots_go_on_and_their_gaps_are_filled_first() -> None:
    slots = Slots()
    assert slots.restore({"a": {"x": 3}, "b": {"x": 0}}) == set()
    assert slots.assign("a", ["x", "y", "z", "w"]) == {"x": 3, "y": 1, "z": 2, "w": 4}


@pytest.mark.parametrize("other", [{"y": 3}, {"y": 1, "z": 1}, {"y": -1}, {"y": 99}])
def test_a_table_whose_slots_clash_is_left_out(other: dict[str, int]) -> None:
    slots = Slots(bound=50)
    assert slots.restore({"a": {"x": 3}, "b": other}) == {"b"}
    assert slots.assign("b", ["y"]) == {"y": 0}


@given(st.lists(st.tuples(names, entries)), st.data())
def test_no_two_living_entries_ever_share_a_slot(
    pushes: list[tuple[str, set[str]]], data: st.DataObject
) -> None:
    slots, living = Slots(), {}
    for service, ids in pushes:
        before = living.get(service, {})
        given_out = slots.assign(service, sorted(ids))
        others = [s for name, held in living.items() if name != service for s in held.values()]
        leaving = [slot for id_, slot in before.items() if id_ not in ids]
        used = [*given_out.values(), *others, *leaving]
        assert len(set(used)) == len(used)
        assert all(given_out[id_] == slot for id_, slot in before.items() if id_ in ids)
        slots.keep(service, ids)
        living[service] = given_out
        if data.draw(st.booleans()):
            slots = Slots()
            assert slots.restore(living) == set()
