"""The daemon of one machine: holds the state directory, runs the loop, serves the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

from fairlead.core.errors import FairleadError
from fairlead.core.model import Event

Tell = Callable[[Event], None]
Life = Callable[[Path, Path, Tell | None], Coroutine[None, None, None]]


def run(file: Path, state: Path, tell: Tell | None = None) -> int:
    """Run until asked to end; 0 when it ended as asked. `tell` is called with every event.

    Raises errors of core.errors: SettingsError, Busy, Missing and the like, before anything runs.
    """
    from fairlead.daemon.life import live

    return _run(live, file, state, tell)


def run_controller(file: Path, state: Path, tell: Tell | None = None) -> int:
    """The same for the controller of a cluster of many nodes."""
    from fairlead.daemon.lead import lead

    return _run(lead, file, state, tell)


def run_agent(file: Path, state: Path, tell: Tell | None = None) -> int:
    """The same for the agent of one of its nodes."""
    from fairlead.daemon.agent import follow

    return _run(follow, file, state, tell)


def _run(life: Life, file: Path, state: Path, tell: Tell | None) -> int:
    try:
        asyncio.run(life(file.absolute(), state.absolute(), tell))
    except OSError as error:
        place = error.filename or state
        raise FairleadError(f"cannot go on: {place}: {error.strerror or error}") from error
    return 0
