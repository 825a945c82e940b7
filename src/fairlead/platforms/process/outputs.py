"""Where endpoints write: one file each, appended to by the endpoint itself, kept small by us.

No pipe leads through fairlead, so an endpoint goes on writing when fairlead is dead. The file
cannot be swapped under a process that holds it open, so it is copied and cut: what was written
between the copy and the cut is lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

SIZE = 10 * 1024 * 1024
"""Bytes from which a file is rotated."""
OLD_FILES = 3
GONE_ENDPOINTS = 5
"""Of so many endpoints that are gone the last file is kept, a service."""
_EVERY = 5.0
_CHUNK = 1 << 20


class Outputs:
    """The files `<directory>/<service>/<endpoint id>.log`, with `.log.1` (newest) to `.log.3`."""

    def __init__(self, directory: Path, size: int = SIZE) -> None:
        self.directory, self._size = directory, size
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, service: str, endpoint_id: str) -> Path:
        return self.directory / service / f"{endpoint_id}.log"

    def open(self, service: str, endpoint_id: str) -> int:
        """A descriptor that appends; the caller closes it."""
        path = self.path(service, endpoint_id)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def files(self, service: str) -> list[Path]:
        """The current file of every endpoint of a service, the one last written to at the end."""
        try:
            found = [(p.stat().st_mtime, p) for p in (self.directory / service).glob("*.log")]
        except FileNotFoundError:
            return []
        return [path for _, path in sorted(found)]

    def owner(self, path: Path) -> str:
        """The id of the endpoint whose file this is; empty for any other path."""
        name = path.name.removesuffix(" (deleted)")
        ours = path.parent.parent == self.directory and name.startswith(f"{path.parent.name}-")
        return name.removesuffix(".log") if ours and name.endswith(".log") else ""

    async def keep_small(self, files: Callable[[], Collection[Path]]) -> None:
        """Rotate the files that have grown, again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            for path in list(self.oversized(files())):
                with suppress(OSError):
                    await asyncio.to_thread(self.rotate, path)

    def oversized(self, paths: Collection[Path]) -> Iterator[Path]:
        for path in paths:
            with suppress(OSError):
                if path.stat().st_size >= self._size:
                    yield path

    def rotate(self, path: Path) -> None:
        """Keep the last SIZE bytes of the file as `.log.1`, and cut it. Blocks for the copy.

        A disk that takes no copy gets none: the file is cut all the same.
        """
        for number in range(OLD_FILES - 1, 0, -1):
            _move(_old(path, number), _old(path, number + 1))
        try:
            _copy_end(path, _old(path, 1), self._size)
        except OSError:
            _old(path, 1).unlink(missing_ok=True)
        os.truncate(path, 0)

    def prune(self, service: str, living: Collection[str]) -> None:
        """Bound what endpoints left that are gone: the newest few keep their last file."""
        gone = [path for path in self.files(service) if path.stem not in living]
        for path in gone:
            for number in range(1, OLD_FILES + 1):
                _old(path, number).unlink(missing_ok=True)
        for path in gone[:-GONE_ENDPOINTS]:
            path.unlink(missing_ok=True)


def _old(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.replace(target)


def _copy_end(source: Path, target: Path, size: int) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        reader.seek(max(0, source.stat().st_size - size))
        while writer.tell() < 2 * size and (chunk := reader.read(_CHUNK)):  # it may still grow
            writer.write(chunk)
