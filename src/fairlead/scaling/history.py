"""Requests a minute of each service, kept for the forecast and for `fairlead backtest`.

`history/SERVICE.csv` in the state directory: lines `at,count`, where `at` is the minute's beginning
in epoch seconds. A minute of which less than half was seen is left out: it is a gap, not a zero.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from fairlead.files import write_atomically

MINUTE, DAY = 60, 86_400
KEPT = 60 * DAY
"""Seconds of history that are kept; a file is cut back to them when it is a tenth longer."""
LONGEST = 15.0
"""Seconds that one look stands for at most: what lies between two that are farther apart is not
known."""
_LONGEST_LINE = 32


@dataclass(slots=True)
class _Minute:
    at: int
    count: float = 0.0
    seen: float = 0.0
    looked: float = 0.0


class History:
    """Needs a service's name to be a file name, which the settings see to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._minutes: dict[str, _Minute] = {}
        self._last: dict[str, int] = {}

    def add(self, service: str, at: float, rate: float) -> None:
        """`rate`: requests a second up to `at` (epoch seconds). What the disk refuses is lost."""
        begin = int(at) // MINUTE * MINUTE
        minute = self._minutes.get(service)
        if minute is None or minute.at != begin:
            if minute is not None:
                self._write(service, minute)
            looked = minute.looked if minute else at
            minute = self._minutes[service] = _Minute(begin, looked=looked)
        span = at - minute.looked
        if 0 < span <= LONGEST:
            minute.count += rate * span
            minute.seen += span
        minute.looked = at

    def forget(self, services: set[str]) -> None:
        """All but these are gone; their files stay."""
        for name in self._minutes.keys() - services:
            del self._minutes[name]
            self._last.pop(name, None)

    def read(self, service: str) -> list[tuple[int, int]]:
        """Minutes and counts, oldest first; a line that is none is passed over."""
        with suppress(OSError):
            return list(_lines(self._path(service).read_bytes()))
        return []

    def recent(self, service: str, seconds: int) -> list[tuple[int, int]]:
        """The last ones, of so many seconds, without reading all."""
        with suppress(OSError), self._path(service).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(0, size - seconds // MINUTE * _LONGEST_LINE)
            file.seek(begin)
            lines = list(_lines(file.read()))[begin > 0 :]
            return [line for line in lines if line[0] > lines[-1][0] - seconds]
        return []

    def _write(self, service: str, minute: _Minute) -> None:
        if minute.seen < MINUTE / 2 or not self._follows(service, minute.at):
            return
        line = f"{minute.at},{round(minute.count * MINUTE / minute.seen)}\n"
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with self._path(service).open("ab", buffering=0) as file:
                file.write(line.encode())
            if minute.at % DAY == crc32(service.encode()) % (DAY // MINUTE) * MINUTE:
                self._cut(service, minute.at)
            self._last[service] = minute.at

    def _follows(self, service: str, at: int) -> bool:
        """Whether the minute comes after all that are written. Those that a wrong clock has dated
        more than a day ahead go."""
        if service not in self._last:
            lines = self.recent(service, 10 * MINUTE)
            self._last[service] = lines[-1][0] if lines else -1
        if self._last[service] <= at + DAY:
            return at > self._last[service]
        with suppress(OSError):
            self._keep(service, [line for line in self.read(service) if line[0] < at])
        return True

    def _cut(self, service: str, at: int) -> None:
        """Once a day, and not for all services at the same time."""
        with self._path(service).open("rb") as file:
            oldest = next(_lines(file.readline()), (at, 0))
        if oldest[0] < at - KEPT - KEPT // 10:
            lines = self.read(service)
            self._keep(service, [line for line in lines if line[0] >= at - KEPT])

    def _keep(self, service: str, lines: list[tuple[int, int]]) -> None:
        text = "".join(f"{at},{count}\n" for at, count in lines)
        write_atomically(self._path(service), text.encode())

    def _path(self, service: str) -> Path:
        return self._folder / f"{service}.csv"


def _lines(data: bytes) -> Iterator[tuple[int, int]]:
    """One that a crash cut short has no end and no say."""
    for line in data.split(b"\n")[:-1]:
        at, _, count = line.partition(b",")
        if at.isdigit() and count.isdigit():
            yield int(at), int(count)
