"""Decisions in one JSON file of the state directory."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fairlead.core.model import Decision
from fairlead.files import write_atomically
from fairlead.ports import Journal

EMPTY = Decision()


class DecisionFile:
    """Implements ports.Decisions. A file that cannot be read is set aside and told, not fatal."""

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path = path
        self._journal = journal
        self._kept = self._load()

    def get(self, service: str) -> Decision:
        return self._kept.get(service, EMPTY)

    def put(self, service: str, decision: Decision) -> None:
        if self.get(service) == decision:
            return
        self._kept[service] = decision
        self._save()

    def drop(self, service: str) -> None:
        if self._kept.pop(service, None) is not None:
            self._save()

    def _save(self) -> None:
        write_atomically(self._path, msgspec.json.encode(self._kept))

    def _load(self) -> dict[str, Decision]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Decision])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            aside = self._path.with_suffix(".broken")
            self._path.replace(aside)
            self._journal.record(
                "decisions-lost", "", f"{self._path} was unreadable ({error}); see {aside}"
            )
            return {}
