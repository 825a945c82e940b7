"""Exports on disk: nothing that somebody has changed is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fairlead.core.errors import BadInput, FairleadError
from fairlead.files import write_atomically


def write(texts: Mapping[str, str], out: Path) -> list[Path]:
    """One text becomes the file `out`, or a file in it where it is a directory; several become
    files in it. All or none: BadInput when one is there with another text."""
    single = len(texts) == 1 and not out.is_dir()
    paths = {(out if single else out / name): text for name, text in texts.items()}
    for path, text in paths.items():
        _refuse_other(path, text)
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode(), public=True)
    except OSError as error:
        raise FairleadError(f"cannot write {path}: {error.strerror}") from error
    return list(paths)


def _refuse_other(path: Path, text: str) -> None:
    try:
        there = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    if there != text:
        raise BadInput(f"{path} is there with another text: move it away, or name another --out")
