"""Short programs that are run to their end: only how they ended, and what they complained of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """`status` is the exit status, negative for a signal; `told` is what stood on stderr."""

    status: int
    told: str


async def run_program(argv: Sequence[str], patience: float) -> Ended:
    """OSError when it cannot be started, TimeoutError after `patience` seconds. It runs no longer
    than this is awaited."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(patience):
            _, told = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return Ended(process.returncode or 0, told.decode(errors="replace"))
