"""The daemon of one machine: holds the state directory, runs the loop, serves the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from fairlead.core.model import Event

Tell = Callable[[Event], None]


def run(file: Path, state: Path, tell: Tell | None = None) -> int:
    """Run until asked to end; 0 when it ended as asked. `tell` is called with every event.

    Raises errors of core.errors: SettingsError, Busy, Missing and the like, before anything runs.
    """
    from fairlead.daemon.life import live

    asyncio.run(live(file.absolute(), state.absolute(), tell))
    return 0
