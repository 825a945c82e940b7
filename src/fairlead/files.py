"""Files written so that a reader, or the next start after a crash, sees old or new whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fairlead.core.errors import BadInput


def write_atomically(
    path: Path, data: bytes, *, durable: bool = True, public: bool = False
) -> None:
    """A file beside it, then a rename; `durable`: also after the machine's own crash.

    `public`: with the mode and owner of the old file, for all to read when there was none. One
    writer at a time a path. OSError when the disk refuses: the old file stays.
    """
    staged = path.with_name(f".{path.name}.new")
    try:
        write_whole(staged, data, durable=durable)
        if public:
            _resemble(staged, path)
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    if durable:
        _sync_directory(path.parent)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> Path:
    """Write a file for its owner's eyes; `durable`: return when it is on disk. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(handle)
    return path


def read_given(path: Path, what: str, largest: int) -> bytes:
    """A file that the user named. BadInput when it cannot be read, or has more bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise BadInput(f"cannot read {what} from {path}: {error.strerror or error}") from error
    if len(data) > largest:
        raise BadInput(f"{path}: longer than {largest >> 20} MiB")
    return data


def _resemble(staged: Path, path: Path) -> None:
    try:
        old = path.stat()
    except FileNotFoundError:
        staged.chmod(0o644)
        return
    os.chown(staged, old.st_uid, old.st_gid)
    staged.chmod(stat.S_IMODE(old.st_mode))


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
