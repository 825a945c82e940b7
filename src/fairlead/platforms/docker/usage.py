"""What containers use, asked of the engine: one answer each, without the second that it waits for
a difference of CPU when it is not asked for `one-shot` (API 1.41; older ones answer late).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker.answers import mapping, number
from fairlead.platforms.docker.containers import Container
from fairlead.platforms.docker.engine import Call, Engine
from fairlead.ports import Clock, Used

_LIMIT = 1 << 20
_QUERY = {"stream": "false", "one-shot": "true"}


async def measured(
    engine: Engine, containers: Mapping[str, Container], clock: Clock
) -> dict[str, Used]:
    """By endpoint id. PlatformError when none of them can be measured."""
    answers = await asyncio.gather(
        *(_asked(engine, container) for container in containers.values()), return_exceptions=True
    )
    found: dict[str, Used] = {}
    for (endpoint, container), answer in zip(containers.items(), answers, strict=True):
        if isinstance(answer, BaseException):
            if not isinstance(answer, PlatformError):
                raise answer
        elif used := read_used(answer, container.cores, clock.now()):
            found[endpoint] = used
    failed = [each for each in answers if isinstance(each, PlatformError)]
    if failed and not found:
        raise failed[0]
    return found


async def _asked(engine: Engine, container: Container) -> Any:
    return await engine.ask(Call("GET", f"/containers/{container.id}/stats", _QUERY, limit=_LIMIT))


def read_used(answer: Any, cores: float, at: float) -> Used | None:
    """None where it does not say so: a container that has just ended has stats without figures.

    Memory is what `docker stats` shows: without the files' pages that the kernel may drop
    (`inactive_file`, of cgroup v1 `total_inactive_file`).
    """
    nanos = number(answer, "cpu_stats", "cpu_usage", "total_usage")
    memory = number(answer, "memory_stats", "usage")
    if nanos <= 0 or memory <= 0:
        return None
    stats = mapping(answer, "memory_stats", "stats")
    name = "total_inactive_file" if "total_inactive_file" in stats else "inactive_file"
    dropped = number(stats, name)
    limit = number(answer, "memory_stats", "limit")
    kept = memory - dropped if 0 <= dropped < memory else memory
    return Used(at, nanos / 1e9, kept, cores, max(0, limit))
