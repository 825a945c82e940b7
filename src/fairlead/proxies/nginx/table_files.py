"""The last table on disk, a file a service: nginx reads it when it starts by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fairlead.core.errors import ProxyError
from fairlead.core.model import ServiceTable
from fairlead.files import write_atomically, write_whole
from fairlead.proxies.naming import checked_name
from fairlead.proxies.nginx.table import Doc, decode, encode


class TableFiles:
    """A new table is staged beside nginx's push and takes the old one's place when it is accepted.

    Pushes of one service must come one after the other. OSError when the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, tables: Iterable[ServiceTable]) -> None:
        """A file for each service that has none, for an nginx that is about to start."""
        for table in tables:
            if not self._path(table.service).exists():
                write_atomically(self._path(table.service), encode(table, {}), durable=False)

    def stage(self, service: str, body: bytes) -> asyncio.Task[Path]:
        """Write and sync a file that is not in force yet, in a thread: fsync would block."""
        return asyncio.create_task(asyncio.to_thread(write_whole, self._staged(service), body))

    async def commit(self, service: str, staged: asyncio.Task[Path]) -> None:
        (await staged).replace(self._path(service))

    async def discard(self, staged: asyncio.Task[Path]) -> None:
        with suppress(OSError):
            (await staged).unlink(missing_ok=True)

    def remove(self, service: str) -> None:
        self._path(service).unlink(missing_ok=True)

    def follow(self, live: Mapping[str, Doc]) -> None:
        """Make the files what nginx serves from: they can differ when fairlead died in a push."""
        for path in self._folder.iterdir():
            if path.suffix != ".json" or path.stem not in live:
                path.unlink(missing_ok=True)
        for service, doc in live.items():
            if self._read(service) != doc:
                write_atomically(self._path(service), encode(doc.table, doc.slots))

    def _read(self, service: str) -> Doc | None:
        try:
            return decode(self._path(service).read_bytes())
        except (FileNotFoundError, ProxyError):
            return None

    def _path(self, service: str) -> Path:
        return self._folder / f"{checked_name(service)}.json"

    def _staged(self, service: str) -> Path:
        return self._folder / f".{checked_name(service)}.staged"
