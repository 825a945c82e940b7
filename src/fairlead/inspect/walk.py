"""Which files there are below the paths that a user names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import walk
from os.path import normpath
from pathlib import Path

from fairlead.core.errors import BadInput

MOST_FILES = 20_000
MOST_BYTES = 2 * 1024 * 1024
_SKIPPED = {"node_modules", "vendor", "__pycache__", "venv", "site-packages"}
_READ = {".github", ".circleci", ".gitlab-ci.yml", ".gitlab-ci.yaml"}  # though they are hidden


def files_below(paths: Iterable[Path]) -> Iterator[str]:
    """Files by name, as the user would name them; hidden ones, those of tools and those that are
    too large are left out. Raises BadInput for a path that is not there."""
    seen: set[str] = set()
    for path in paths:
        if not path.exists():
            raise BadInput(f"there is no {path}: name a file or a directory")
        for name in _below(path) if path.is_dir() else (normpath(path),):
            if name not in seen and _readable(name):
                seen.add(name)
                yield name
            if len(seen) >= MOST_FILES:
                return


def _below(path: Path) -> Iterator[str]:
    for folder, folders, names in walk(path):
        folders[:] = sorted(name for name in folders if _wanted(name))
        yield from (normpath(f"{folder}/{name}") for name in sorted(names) if _wanted(name))


def _wanted(name: str) -> bool:
    return name in _READ or (name not in _SKIPPED and not name.startswith("."))


def _readable(name: str) -> bool:
    try:
        path = Path(name)
        return path.is_file() and path.stat().st_size <= MOST_BYTES
    except OSError:
        return False
