"""The signals of a daemon."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fairlead.core.errors import FairleadError


def on_signals(ask: Callable[[], None], apply: Callable[[], Awaitable[object]]) -> None:
    """HUP applies the settings file again; TERM, INT and the loss of the terminal end everything.

    The kernel sends HUP when a terminal closes, too. Under nohup that is no reason to end.
    """
    loop = asyncio.get_running_loop()
    bound = has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    applying: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        if bound and not has_terminal():
            ask()
        else:
            task = asyncio.create_task(_apply(apply))
            applying.add(task)
            task.add_done_callback(applying.discard)

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)


def has_terminal() -> bool:
    """Whether this process has a controlling terminal (tty(4)) that has not hung up."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


async def _apply(apply: Callable[[], Awaitable[object]]) -> None:
    with suppress(FairleadError):  # it is in the journal
        await apply()
