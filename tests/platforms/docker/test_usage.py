"""What containers use, as a real engine tells it, and what engines might say instead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from fairlead.core.model import Phase
from fairlead.platforms.docker.engine import Engine
from fairlead.platforms.docker.usage import measured, read_used
from tests.ground import until
from tests.platforms.docker.ground import FOUND, Harbour, in_phase

MIB = 1 << 20
BUSY = "while true; do :; done"


async def test_what_a_container_uses_and_may_use(harbour: Harbour) -> None:
    await harbour.labelled("--cpus", "0.25", "--memory", "48m", script=BUSY)
    platform = harbour.platform()
    (endpoint,) = await in_phase(platform, FOUND, Phase.RUNNING)
    first = (await platform.used([endpoint]))[endpoint.id]
    assert (first.cores, first.memory_limit) == (0.25, 48 * MIB)
    assert 0 < first.memory < 48 * MIB

    async def busy() -> bool:
        return (await platform.used([endpoint]))[endpoint.id].cpu > first.cpu + 0.2

    await until(busy, "more seconds of CPU")


async def test_without_limits_there_are_those_of_the_machine(harbour: Harbour) -> None:
    platform = harbour.platform()
    endpoint = await platform.start(harbour.service())
    used = (await platform.used([endpoint]))[endpoint.id]
    assert used.cores == 0.0
    assert used.memory_limit > 256 * MIB


async def test_one_that_has_ended_is_not_measured(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service()
    endpoint = await platform.start(service)
    await platform.stop(endpoint, 10)
    await in_phase(platform, service, Phase.EXITED)
    assert await platform.used([endpoint]) == {}


async def test_one_that_is_gone_does_not_hide_the_others(harbour: Harbour) -> None:
    platform, service = harbour.platform(), harbour.service()
    stays, gone = [await platform.start(service) for _ in range(2)]
    kept = {each.id: platform._fleet.find(each.id) for each in (stays, gone)}
    containers = {key: each.container for key, each in kept.items() if each}
    await harbour.engine.docker("rm", "-f", gone.id)
    engine, clock = Engine(harbour.engine.host), SystemClock()
    assert (await measured(engine, containers, clock)).keys() == {stays.id}
    with pytest.raises(PlatformError, match="such container"):
        await measured(engine, {gone.id: containers[gone.id]}, clock)


def stats(**changed: Any) -> dict[str, Any]:
    return {
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
        "memory_stats": {"usage": 100, "limit": 400, "stats": {"inactive_file": 30}},
        **changed,
    }


def test_pages_of_files_that_may_be_dropped_are_no_memory() -> None:
    used = read_used(stats(), 0.0, 7.0)
    assert used is not None
    assert (used.at, used.cpu, used.memory, used.memory_limit) == (7.0, 2.5, 70, 400)
    old = {"usage": 100, "stats": {"inactive_file": 90, "total_inactive_file": 20}}
    used = read_used(stats(memory_stats=old), 0.0, 7.0)
    assert used is not None
    assert (used.memory, used.memory_limit) == (80, 0)


@pytest.mark.parametrize(
    "answer", [None, [], {}, "text", stats(cpu_stats={}), stats(memory_stats={})]
)
def test_an_answer_without_figures_is_none(answer: Any) -> None:
    assert read_used(answer, 0.0, 0.0) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@given(anything, anything, anything, anything)
def test_whatever_the_engine_says(cpu: Any, usage: Any, limit: Any, dropped: Any) -> None:
    memory = {"usage": usage, "limit": limit, "stats": {"inactive_file": dropped}}
    answer = stats(cpu_stats={"cpu_usage": {"total_usage": cpu}}, memory_stats=memory)
    used = read_used(answer, 0.0, 0.0)
    assert used is None or (used.memory > 0 and used.cpu > 0 and used.memory_limit >= 0)
