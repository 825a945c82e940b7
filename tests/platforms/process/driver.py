"""A fairlead of a few lines, to be killed: starts endpoints, says which, and waits for its end.

argv: state directory, first port, last port, what to do, then the argv of the endpoints.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.model import Service
from fairlead.platforms.process import ProcessPlatform
from fairlead.platforms.process.records import Record, Records


async def main() -> None:
    state, first, last, how, *run = sys.argv[1:]
    platform = ProcessPlatform(Path(state), (int(first), int(last)), lambda _: None, SystemClock())
    if how != "whole":
        die_at_write(1 if how == "intent" else 2, after=how == "intent")
    found = [await platform.start(Service(name, run=tuple(run))) for name in ("catalog", "alerts")]
    print(json.dumps([[e.id, e.pid, e.port] for e in found]), flush=True)
    await asyncio.sleep(300)


def die_at_write(number: int, *, after: bool) -> None:
    """Kill -9 of itself at this record; a process that it concerns is told first."""
    real, count = Records.write, 0

    def write(self: Records, record: Record) -> None:
        nonlocal count
        count += 1
        if count == number:
            if after:
                real(self, record)
            print(json.dumps([[record.id, record.pid, record.port]]), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, record)

    Records.write = write


asyncio.run(main())
