"""The daemon's unix socket: made so that only its owner can connect, and reached by any path.

An address of a unix socket holds 107 bytes at most; a longer path is reached through a descriptor
of its directory (`/proc/self/fd/N/name`), which Linux resolves like any other path.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISSOCK

from fairlead.core.errors import Busy, FairleadError

ADDRESS_BYTES = 107
BACKLOG = 64


@contextmanager
def _address(path: Path) -> Iterator[str]:
    if len(os.fsencode(path)) <= ADDRESS_BYTES:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def connect(path: Path, timeout: float | None) -> socket.socket:
    """A connection to the socket at `path`. OSError when nobody listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        with _address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600, in place of one that a dead daemon left.

    Busy when a living daemon listens there; FairleadError when the directory is not safe.
    """
    _make_directory(path.parent)
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            listener.bind(address)
        path.chmod(0o600)
        listener.listen(BACKLOG)  # nobody could connect before this, so no one met another mode
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise FairleadError(f"cannot listen on {path}: {error.strerror or error}") from error
    return listener


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = directory.stat().st_mode
    except OSError as error:
        raise FairleadError(f"cannot make {directory}: {error.strerror}") from error
    if mode & 0o022:
        raise FairleadError(f"others may write to {directory}: run chmod 700 {directory}")


def _remove_stale(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not S_ISSOCK(path.lstat().st_mode):
            raise Busy(f"{path} is in the way: it is no socket; move it elsewhere")
        if _answers(path):
            raise Busy(f"a daemon is already running for {path.parent}")
        path.unlink()


def _answers(path: Path) -> bool:
    try:
        connect(path, timeout=1.0).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:
        return True
    return True
