"""A lease in a file, for controllers of one machine (or of a file system that has flock)."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fairlead.core.errors import LeaseError
from fairlead.core.lease import Lease
from fairlead.files import write_atomically

PATIENCE, PAUSE = 1.0, 0.01
"""Seconds to wait for the lock, which a process that was stopped may hold for ever."""


class FileLease:
    """Implements ports.LeaseStore. The lock is held for the moment of a look or a swap only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> Lease | None:
        return await asyncio.to_thread(self._read)

    async def swap(self, before: Lease, after: Lease) -> bool:
        return await asyncio.to_thread(self._swap, before, after)

    def _swap(self, before: Lease, after: Lease) -> bool:
        with self._locked():
            if (self._read() or Lease()) != before:
                return False
            try:
                write_atomically(self._path, msgspec.json.encode(after))
            except OSError as error:
                raise LeaseError(f"cannot write {self._path}: {error.strerror}") from error
            return True

    def _read(self) -> Lease | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Lease)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise LeaseError(f"cannot read the lease in {self._path}: {error}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        name = self._path.with_name(self._path.name + ".lock")
        try:
            name.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LeaseError(f"cannot lock {name}: {error.strerror}") from error
        try:
            _lock(handle, name)
            yield
        finally:
            os.close(handle)


def _lock(handle: int, name: Path) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > limit:
                raise LeaseError(f"{name} is locked by another process, stopped maybe") from error
            time.sleep(PAUSE)
