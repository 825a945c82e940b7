"""One daemon a state directory: the lock is held by the process and falls with it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairlead.core.errors import Busy, FairleadError


@contextmanager
def hold(state: Path) -> Iterator[None]:
    """Make the state directory (0700) and hold its lock. Busy when another daemon does."""
    handle = _open(state)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        message = f"a daemon is already running for {state} (pid {holder}); see: fairlead status"
        raise Busy(message) from error
    try:
        _sign(handle, state)
        yield
    finally:
        os.close(handle)


def _open(state: Path) -> int:
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(state, error) from error


def _sign(handle: int, state: Path) -> None:
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise _unusable(state, error) from error


def _unusable(state: Path, error: OSError) -> FairleadError:
    hint = "free it, or name another directory with FAIRLEAD_STATE"
    return FairleadError(f"cannot use {state} for state: {error.strerror}; {hint}")
