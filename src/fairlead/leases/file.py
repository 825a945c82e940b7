"""A lease in a file, for controllers of one machine (or of a file system that has hard links).

Each record is a file with the next number at the end of its name, made by link(2): of several that
want the same number one comes through, and nobody ever holds a lock with which it could be stopped.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

import msgspec

from fairlead.core.errors import LeaseError
from fairlead.core.lease import Lease
from fairlead.files import write_whole

_READS = 20
"""A record may be replaced while it is opened: then the next one is."""


class FileLease:
    """Implements ports.LeaseStore. `path` is what the records' names begin with."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> Lease | None:
        return (await asyncio.to_thread(self._read))[1]

    async def swap(self, before: Lease, after: Lease) -> bool:
        return await asyncio.to_thread(self._swap, before, after)

    def _swap(self, before: Lease, after: Lease) -> bool:
        number, found = self._read()
        if (found or Lease()) != before:
            return False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._put(number + 1, msgspec.json.encode(after))
        except OSError as error:
            raise LeaseError(f"cannot write {self._path}: {error.strerror}") from error

    def _put(self, number: int, data: bytes) -> bool:
        """Also one that was stopped right here, while others went on and cleared that number away,
        finds out: the newest is never cleared away."""
        own = self._record(number)
        if not self._linked(own, data):
            return False
        if max(self._numbers()) != number:
            own.unlink(missing_ok=True)
            return False
        for old in self._numbers():
            if old < number:
                self._record(old).unlink(missing_ok=True)
        return True

    def _linked(self, own: Path, data: bytes) -> bool:
        staged = own.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            write_whole(staged, data)
            os.link(staged, own)
        except FileExistsError:
            return False
        finally:
            staged.unlink(missing_ok=True)
        return True

    def _read(self) -> tuple[int, Lease | None]:
        """The newest record and its number; 0 and None when there is none."""
        for _ in range(_READS):
            number = max(self._numbers(), default=0)
            if not number:
                return 0, None
            try:
                data = self._record(number).read_bytes()
                return number, msgspec.json.decode(data, type=Lease)
            except FileNotFoundError:
                continue
            except (OSError, msgspec.DecodeError) as error:
                name = self._record(number)
                raise LeaseError(f"cannot read the lease in {name}: {error}") from error
        raise LeaseError(f"cannot read the lease in {self._path}: it changes all the time")

    def _numbers(self) -> list[int]:
        prefix = self._path.name + "."
        try:
            names = [path.name for path in self._path.parent.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LeaseError(f"cannot read {self._path.parent}: {error.strerror}") from error
        ends = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
        return [int(end) for end in ends if end.isascii() and end.isdigit()]

    def _record(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
