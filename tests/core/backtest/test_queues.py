"""The closed forms, against tables, against one another, and against queues that are simulated."""

from __future__ import annotations

from heapq import heapify, heapreplace
from math import exp, factorial
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backtest.model import WORKERS, Queue
from fairlead.core.backtest.queues import erlang_c, in_service, tail


@pytest.mark.parametrize(
    ("servers", "load", "waits"),
    [(1, 0.6, 0.6), (2, 1.0, 1 / 3), (5, 3.0, 0.2362), (10, 8.0, 0.4092), (5, 0.0, 0.0)],
)
def test_erlang_c_of_the_tables(servers: int, load: float, waits: float) -> None:
    """C(1, a) = a and C(2, 1) = 1/3 by hand; the others stand in tables of Erlang's C."""
    assert erlang_c(servers, load) == pytest.approx(waits, abs=5e-5)


@given(st.integers(1, 40), st.floats(0.01, 0.99))
def test_erlang_c_is_its_sum(servers: int, share: float) -> None:
    """The textbook's sum, which overflows for many servers only."""
    load = servers * share
    last = load**servers / factorial(servers) / (1 - share)
    whole = sum(load**n / factorial(n) for n in range(servers)) + last
    assert erlang_c(servers, load) == pytest.approx(last / whole, rel=1e-9)


def test_erlang_c_of_thousands_of_servers() -> None:
    assert 0.0 < erlang_c(5000, 4900.0) < 1.0
    assert erlang_c(5000, 5000.0) == 1.0


def simulated(servers: int, rate: float, served: float, seed: int) -> list[tuple[float, float]]:
    """Waiting and whole times of 200,000 requests of an M/M/c, the first tenth left out."""
    chance, now = Random(seed), 0.0
    free = [0.0] * servers
    heapify(free)
    times = []
    for _ in range(200_000):
        now += chance.expovariate(rate)
        begin = max(now, free[0])
        end = begin + chance.expovariate(served)
        heapreplace(free, end)
        times.append((begin - now, end - now))
    return times[20_000:]


def test_separate_is_an_mm1_s_whole_time() -> None:
    """Three endpoints of 50 a second with 90 a second: each has 30."""
    times = [whole for _, whole in simulated(1, 30.0, 50.0, 3)]
    found = tail(Queue.SEPARATE, 90.0, 3, 50.0)
    for seconds in (0.02, 0.05, 0.1):
        share = sum(whole > seconds for whole in times) / len(times)
        assert found.beyond(seconds) == pytest.approx(share, abs=0.015)


def test_pooled_is_an_mmc_s_waiting_time() -> None:
    """Two endpoints are ten workers of 10 a second each."""
    times = [waiting for waiting, _ in simulated(2 * WORKERS, 85.0, 10.0, 4)]
    found = tail(Queue.POOLED, 85.0, 2, 50.0)
    for seconds in (0.01, 0.05, 0.15):
        share = sum(waiting > seconds for waiting in times) / len(times)
        assert found.beyond(seconds) == pytest.approx(share, abs=0.03)


def test_requests_inside_follow_little_s_law() -> None:
    """An M/M/1 at 60 %: 1.5; ten workers at 85 %: 8.5 and what waits, by the mean of the waits."""
    assert in_service(Queue.SEPARATE, 90.0, 3, 50.0) == pytest.approx(4.5)
    waits = erlang_c(10, 8.5) / (100.0 - 85.0)
    assert in_service(Queue.POOLED, 85.0, 2, 50.0) == pytest.approx(8.5 + 85.0 * waits)


@pytest.mark.parametrize("queue", Queue)
def test_what_cannot_be_answered_is_slow(queue: Queue) -> None:
    assert tail(queue, 100.0, 2, 50.0).beyond(60.0) == 1.0
    assert tail(queue, 99.0, 2, 50.0).beyond(60.0) < exp(-20)
