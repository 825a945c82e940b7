from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.files import write_atomically


def test_the_new_content_replaces_the_old_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_atomically(path, b"old", 0o644)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
