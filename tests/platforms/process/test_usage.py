"""What real trees of processes use, as /proc tells it."""

from __future__ import annotations

import pytest

from fairlead import procfs
from fairlead.core.model import Endpoint, Phase
from fairlead.platforms.process import ProcessPlatform
from fairlead.ports import Used
from tests.ground import until
from tests.platforms.ground import Ground, python, sleeper

MIB = 1 << 20

BUSY_CHILD = """
import os, time
if (child := os.fork()) == 0:
    while sum(os.times()[:2]) < 0.5: pass
    os._exit(0)
print("forked", flush=True)
{then}
print("done", flush=True)
time.sleep(300)
"""
SHARED = """
import os, time
held = bytearray(os.urandom(1 << 20)) * 64
for _ in range(3):
    if os.fork() == 0: time.sleep(300)
print("done", flush=True)
time.sleep(300)
"""


async def used(platform: ProcessPlatform, endpoint: Endpoint) -> Used:
    return (await platform.used([endpoint]))[endpoint.id]


@pytest.mark.parametrize("then", ["os.waitpid(child, 0)", "time.sleep(3600)"])
async def test_seconds_are_those_of_the_whole_tree(ground: Ground, then: str) -> None:
    """Of a child that lives, or is a zombie, and of one that has been waited for."""
    platform = ground.platform()
    endpoint = await platform.start(python(BUSY_CHILD.format(then=then)))

    async def busy() -> bool:
        return (await used(platform, endpoint)).cpu >= 0.5

    await until(busy, "half a second of CPU")
    assert (await used(platform, endpoint)).cpu < 5.0


async def test_a_sleeper_uses_next_to_nothing(ground: Ground) -> None:
    platform = ground.platform()
    endpoint = await platform.start(sleeper())
    first = await used(platform, endpoint)
    second = await used(platform, endpoint)
    assert second.at > first.at
    assert second.cpu < 0.5
    assert 0 < second.memory < 16 * MIB
    assert second.memory_limit == procfs.total_bytes() > second.memory
    assert second.cores == 0.0


async def test_pages_that_forked_processes_share_count_once(ground: Ground) -> None:
    platform = ground.platform()
    endpoint = await platform.start(python(SHARED))
    await ground.output(endpoint, "done")
    assert 64 * MIB <= (await used(platform, endpoint)).memory < 2 * 64 * MIB


async def test_many_at_once_and_those_that_have_ended(ground: Ground) -> None:
    platform = ground.platform()
    found = [await platform.start(sleeper()) for _ in range(5)]
    assert (await platform.used(found)).keys() == {each.id for each in found}
    await platform.stop(found[0], 60)
    await ground.phase(platform, found[0], Phase.EXITED)
    assert (await platform.used(found)).keys() == {each.id for each in found[1:]}
    await platform.forget(found[0])
    assert await platform.used([found[0]]) == {}
    assert await platform.used([]) == {}
