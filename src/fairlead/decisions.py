"""Decisions in the state directory, a small JSON file a service."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fairlead.core.errors import FairleadError
from fairlead.core.model import Decision
from fairlead.files import write_atomically
from fairlead.ports import Journal

EMPTY = Decision()


def begin_epoch(folder: Path, epoch: int) -> bool:
    """For a controller that begins to lead in this epoch of its lease: what it decided before is
    void if another one has led in between, which followed the platform's counts, as this one has to
    do now. Whether there was such a decision."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "epoch"
    before = path.read_text() if path.exists() else str(epoch - 1)
    write_atomically(path, str(epoch).encode())
    void = [] if before == str(epoch - 1) else list(folder.glob("*.json"))
    for each in void:
        each.unlink()
    return bool(void)


class DecisionFiles:
    """Implements ports.Decisions. A file that cannot be read is set aside and told, not fatal."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder, self._journal = folder, journal
        self._kept: dict[str, Decision] = {}
        for path in sorted(folder.glob("*.json")):
            self._load(path)

    def get(self, service: str) -> Decision:
        return self._kept.get(service, EMPTY)

    def put(self, service: str, decision: Decision) -> None:
        """FairleadError when it cannot be written: it is then tried again by the next put."""
        if self.get(service) == decision:
            return
        path = self._path(service)
        try:
            write_atomically(path, msgspec.json.encode(decision))
        except OSError as error:
            raise FairleadError(f"cannot write {path}: {error.strerror}") from error
        self._kept[service] = decision

    def drop(self, service: str) -> None:
        self._kept.pop(service, None)
        self._path(service).unlink(missing_ok=True)

    def _path(self, service: str) -> Path:
        return self._folder / f"{service}.json"

    def _load(self, path: Path) -> None:
        try:
            self._kept[path.stem] = msgspec.json.decode(path.read_bytes(), type=Decision)
        except msgspec.DecodeError as error:
            aside = path.with_suffix(".broken")
            path.replace(aside)
            message = f"{path.name} was unreadable ({error}) and is kept as {aside.name}"
            self._journal.record("decisions-lost", path.stem, message)
