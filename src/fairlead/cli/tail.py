"""Reads the ends of log files, and follows them through rotation by copy and cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

OLD_FILES = 3
BLOCK = 64 * 1024
MAX_LINE = 64 * 1024
"""A longer line is shown in pieces of this size."""
MARK = 256


def last_lines(path: Path, wanted: int) -> list[bytes]:
    """The last lines of `path` and, where it has too few, of its rotated predecessors."""
    lines: list[bytes] = []
    for file in (path, *(path.with_name(f"{path.name}.{n}") for n in range(1, OLD_FILES + 1))):
        if len(lines) < wanted:
            lines = _end_of(file, wanted - len(lines)) + lines
    return lines


def _end_of(path: Path, wanted: int) -> list[bytes]:
    try:
        with path.open("rb") as file:
            return _read_back(file.fileno(), wanted).splitlines()[-wanted:]
    except FileNotFoundError:
        return []


def _read_back(handle: int, wanted: int) -> bytes:
    """Whole blocks from the end, until they hold enough line ends."""
    position, data = os.fstat(handle).st_size, b""
    while position > 0 and data.count(b"\n") <= wanted:
        step = min(BLOCK, position)
        position -= step
        data = os.pread(handle, step, position) + data
    return data


class Follower:
    """One file, from `position` (bytes) on. The last bytes read are kept as a mark, by which the
    place is found again in the copy when the file was cut."""

    def __init__(self, path: Path, position: int = 0) -> None:
        self._path, self._position = path, position
        self._partial = self._mark = b""

    def lines(self) -> Iterator[bytes]:
        """Lines that were completed since the last call. FileNotFoundError when it is gone."""
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._position:
                yield from self._split(self._rest_of_copy())
                self._position, self._mark = 0, b""
            while chunk := os.pread(file.fileno(), BLOCK, self._position):
                self._position += len(chunk)
                self._mark = (self._mark + chunk)[-MARK:]
                yield from self._split(chunk)

    def _rest_of_copy(self) -> bytes:
        try:
            copy = self._path.with_name(f"{self._path.name}.1").read_bytes()
        except FileNotFoundError:
            return b""
        found = copy.rfind(self._mark) if self._mark else -1
        return copy[found + len(self._mark) :] if found >= 0 else b""

    def _split(self, chunk: bytes) -> Iterator[bytes]:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        yield from lines
        while len(self._partial) > MAX_LINE:
            yield self._partial[:MAX_LINE]
            self._partial = self._partial[MAX_LINE:]
