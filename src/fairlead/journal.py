"""Events: kept in memory for readers, and in a file of the state directory beyond the daemon."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from fairlead.core.model import Event
from fairlead.ports import Clock

KEPT = 2_000
LARGEST_FILE = 4 << 20


class EventLog:
    """Implements ports.Journal. Sequence numbers go on over restarts."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._events: deque[Event] = deque(read(path), maxlen=KEPT)
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[Event], None]] = []
        self._cut = _ends_within_a_line(path)
        self._file = path.open("ab", buffering=0)
        path.chmod(0o600)

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        seq = self._events[-1].seq + 1 if self._events else 1
        event = Event(seq, self._clock.wall(), kind, service, message, endpoint)
        self._events.append(event)
        self._write(event)
        self._changed.set()
        for listener in self._listeners:
            listener(event)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call it with every event from now on."""
        self._listeners.append(listener)

    def since(self, seq: int) -> list[Event]:
        return [event for event in self._events if event.seq > seq]

    async def wait(self, seq: int, timeout: float) -> list[Event]:
        """Events after seq; where there are none, those that come within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not (events := self.since(seq)):
                    self._changed.clear()
                    await self._changed.wait()
                return events
        except TimeoutError:
            return []

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Event) -> None:
        """What a full disk does not take is in memory all the same: it must not stop the loop."""
        line = b"\n" * self._cut + msgspec.json.encode(event) + b"\n"
        try:
            self._rotate()
            self._cut = self._file.write(line) != len(line)
        except OSError:
            self._cut = True

    def _rotate(self) -> None:
        if self._file.tell() <= LARGEST_FILE:
            return
        self._path.replace(self._path.with_suffix(".1.jsonl"))
        new = self._path.open("ab", buffering=0)
        self._file.close()
        self._file = new
        self._path.chmod(0o600)


def _ends_within_a_line(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def read(path: Path) -> Iterator[Event]:
    """The events of a file; a line cut short by a crash is passed over."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=Event)
        except msgspec.DecodeError:
            continue
