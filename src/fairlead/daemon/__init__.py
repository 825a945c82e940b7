"""The daemon of one machine: holds the state directory, runs the loop, serves the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from fairlead.core.errors import FairleadError
from fairlead.core.model import Event

Tell = Callable[[Event], None]


def run(file: Path, state: Path, tell: Tell | None = None) -> int:
    """Run until asked to end; 0 when it ended as asked. `tell` is called with every event.

    Raises errors of core.errors: SettingsError, Busy, Missing and the like, before anything runs.
    """
    from fairlead.daemon.life import live

    try:
        asyncio.run(live(file.absolute(), state.absolute(), tell))
    except OSError as error:
        place = error.filename or state
        raise FairleadError(f"cannot go on: {place}: {error.strerror or error}") from error
    return 0
