from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.files import write_atomically


@pytest.mark.parametrize("durable", [True, False])
def test_the_new_replaces_the_old_for_its_owner_only(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "table.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_atomically(path, b"new", durable=durable)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".table.json.new").write_bytes(b"half of something longer")
    write_atomically(tmp_path / "table.json", b"new")
    assert (tmp_path / "table.json").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".table.json.new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(tmp_path / "table.json", b"new")
    assert not (tmp_path / "elsewhere").exists()
