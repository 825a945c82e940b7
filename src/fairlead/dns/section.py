"""A part of a file that belongs to one cluster; all other lines stay as they are, byte for byte."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fairlead.core.errors import DnsError
from fairlead.files import write_atomically

LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Parts:
    """Lines without their ends: those above the section, its own, those below."""

    above: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


class Section:
    """`comment` begins one in the file's own syntax. Other programs' markers are plain comments."""

    def __init__(self, path: Path, cluster: str, comment: str) -> None:
        self.path = path
        self._begin = f"{comment} fairlead {cluster}: begin (kept by fairlead)"
        self._end = f"{comment} fairlead {cluster}: end"

    def read(self) -> Parts:
        """DnsError when the file cannot be read; one that is not there is empty."""
        try:
            with self.path.open("rb") as file:
                text = file.read(LARGEST).decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return Parts()
        except OSError as error:
            raise DnsError(f"{self.path} cannot be read: {error.strerror}") from error
        return self._parts(text.removesuffix("\n").split("\n")) if text else Parts()

    def write(self, parts: Parts) -> None:
        """Where there was no section it becomes the file's end. DnsError: the old file stays."""
        inside = (self._begin, *parts.inside, self._end) if parts.inside else ()
        text = "".join(f"{line}\n" for line in (*parts.above, *inside, *parts.below))
        try:
            data = text.encode("utf-8", "surrogateescape")
            write_atomically(self.path.resolve(), data, public=True)
        except OSError as error:
            raise DnsError(f"{self.path} cannot be written: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Against other fairleads: their sections may be in the same file."""
        path = self.path.with_name(f".{self.path.name}.lock")
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DnsError(f"{path} cannot be made: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _parts(self, lines: Sequence[str]) -> Parts:
        if self._begin not in lines and self._end not in lines:
            return Parts(tuple(lines))
        first, last = self._place(lines), self._place(lines, end=True)
        if first < 0 or last < first:
            told = f"{self.path}: the section of fairlead has lost its first or last line"
            raise DnsError(f"{told}: delete what is left of it, fairlead writes it anew")
        above, inside, below = lines[:first], lines[first + 1 : last], lines[last + 1 :]
        return Parts(tuple(above), tuple(inside), tuple(below))

    def _place(self, lines: Sequence[str], *, end: bool = False) -> int:
        """-1 when the marker is not there exactly once."""
        places = [i for i, line in enumerate(lines) if line == (self._end if end else self._begin)]
        return places[0] if len(places) == 1 else -1
