"""The one file that fairlead writes, replaced whole; the one before it comes back when need be."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairlead.core.errors import Busy, ProxyError
from fairlead.files import write_atomically

_READABLE = 0o644
"""nginx's master may be another user's."""


class ConfigFile:
    """Its companions begin with a dot, so that `include conf.d/*.conf` passes them by.

    ProxyError where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before = path.with_name(f".{path.name}.before")
        self._lock = path.with_name(f".{path.name}.lock")
        self._held: int | None = None

    def hold(self) -> None:
        """Keep other fairleads from writing it. Busy when one does."""
        if self._held is not None:
            return
        with self._mapped():
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise Busy(f"another fairlead writes {self.path}: only one may") from error
        self._held = handle

    def release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def read(self) -> str:
        """Empty where there is none."""
        with self._mapped():
            try:
                return self.path.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return ""

    def recover(self) -> None:
        """A fairlead that was killed may have left a text that nginx never tested."""
        if self._before.exists():
            self.restore()

    def replace(self, text: str) -> None:
        """Put it in place; `restore` undoes that until `settle`."""
        with self._mapped():
            write_atomically(self._before, self.read().encode())
            self._write(text)

    def restore(self) -> None:
        with self._mapped():
            if text := self._before.read_text(encoding="utf-8"):
                self._write(text)
            else:
                self.path.unlink(missing_ok=True)
            self._before.unlink()

    def settle(self) -> None:
        with self._mapped():
            self._before.unlink(missing_ok=True)

    def note(self, text: str) -> None:
        """Another text of the same directives: nothing to test, nothing to undo."""
        with self._mapped():
            self._write(text)

    def _write(self, text: str) -> None:
        write_atomically(self.path, text.encode())
        self.path.chmod(_READABLE)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "run fairlead as who may, or name another file with proxy.upstreams"
            raise ProxyError(f"cannot write {self.path}: {error.strerror}; {hint}") from error
