from __future__ import annotations

import socket
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.platforms.process.port_range import PortRange, candidates, is_free, place_of

firsts = st.integers(1024, 60000)
sizes = st.integers(1, 40)


@st.composite
def situations(draw: st.DrawFn) -> tuple[tuple[int, int], int, set[int]]:
    first, size = draw(firsts), draw(sizes)
    near = st.integers(first - 3, first + size + 3)
    return (first, first + size - 1), draw(near), draw(st.sets(near))


@given(situations())
def test_every_port_that_is_not_taken_comes_once_and_no_other(
    situation: tuple[tuple[int, int], int, set[int]],
) -> None:
    (first, last), after, taken = situation
    found = list(candidates((first, last), after, taken))
    assert sorted(found) == sorted(set(range(first, last + 1)) - taken)


@given(situations())
def test_the_port_last_given_comes_last(
    situation: tuple[tuple[int, int], int, set[int]],
) -> None:
    (first, last), after, taken = situation
    found = list(candidates((first, last), after, taken))
    if after in found:
        assert found[-1] == after


@given(firsts, sizes, st.lists(st.sampled_from(["start", "end"]), max_size=80))
def test_nobody_gets_a_port_that_another_has_and_a_released_one_rests(
    first: int, size: int, steps: list[str]
) -> None:
    ports, taken, given_out = PortRange((first, first + size - 1), lambda _: True), [], []
    for step in steps:
        if step == "end" and taken:
            taken.pop(0)
        elif step == "start":
            port = ports.choose(taken)
            if port is None:
                assert len(taken) == size
                continue
            assert port not in taken
            free = size - len(taken)
            assert free == 1 or port not in given_out[-1:]
            taken.append(port)
            given_out.append(port)


@given(firsts, sizes, st.data())
def test_ports_that_others_hold_are_passed_over(first: int, size: int, data: st.DataObject) -> None:
    everything = range(first, first + size)
    held = data.draw(st.sets(st.sampled_from(everything)))
    ports = PortRange((first, first + size - 1), lambda port: port not in held)
    chosen = [ports.choose(()) for _ in everything]
    assert set(chosen) == ((set(everything) - held) or {None})


def test_it_goes_round() -> None:
    assert list(islice(candidates((10, 14), 12, {11}), 10)) == [13, 14, 10, 12]


def test_a_restart_goes_on_behind_the_last_port() -> None:
    ports = PortRange((10, 14), lambda _: True)
    ports.begin_after(14)
    assert ports.choose(()) == 10


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "127.0.0.2", "::1", "::"])
def test_a_listener_on_any_address_holds_the_port(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_closing_connections_do_not_hold_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listener.accept()[0].close()
    assert is_free(port)


def test_a_kernel_without_ipv6_is_asked_over_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr(socket, "has_ipv6", False)
        assert not is_free(port)
    assert is_free(port)


def test_two_state_directories_seldom_begin_at_the_same_port() -> None:
    begins = {place_of(Path(f"/srv/{number}/.fairlead"), (20000, 29999)) for number in range(20)}
    assert len(begins) > 15
    assert all(20000 <= begin <= 29999 for begin in begins)
