"""What is kept of each endpoint on disk, so that the next fairlead finds it: one file each."""

from __future__ import annotations

import base64
import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fairlead.files import write_atomically


@dataclass(frozen=True, slots=True)
class Record:
    """One endpoint. `pid` is 0 in a record of intent, written before the process exists.

    `ticks` and `boot` make the pid unmistakable (see procfs). `started` is since the epoch.
    """

    id: str
    service: str
    port: int
    revision: str
    started: float
    boot: str
    pid: int = 0
    ticks: int = 0


def new_id(service: str, taken: Container[str]) -> str:
    while True:
        letters = base64.b32encode(os.urandom(4))[:6].decode().lower()
        if (new := f"{service}-{letters}") not in taken:
            return new


class Records:
    """A directory of records, each replaced as a whole.

    Not synced to disk: no endpoint outlives the machine's own crash, so neither need its record,
    and a torn file is then skipped as one that names nobody.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, record: Record) -> None:
        """OSError when the disk does not take it."""
        write_atomically(self._path(record.id), msgspec.json.encode(record), durable=False)

    def remove(self, endpoint_id: str) -> None:
        self._path(endpoint_id).unlink(missing_ok=True)

    def read(self) -> Iterator[Record]:
        """All that can be read; the rest is removed."""
        for path in sorted(self._directory.iterdir()):
            try:
                record = msgspec.json.decode(path.read_bytes(), type=Record)
            except (msgspec.DecodeError, UnicodeDecodeError):
                record = None
            if record and self._path(record.id) == path:
                yield record
            else:
                path.unlink(missing_ok=True)

    def _path(self, endpoint_id: str) -> Path:
        return self._directory / f"{endpoint_id}.json"
