from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairlead.core.errors import BadInput
from fairlead.inspect import walk
from fairlead.inspect.read import read
from fairlead.inspect.walk import files_below


def _tree(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def names(folder: Path) -> list[str]:
    return [os.path.relpath(name, folder) for name in files_below([folder])]


def test_hidden_files_and_those_of_tools_are_left_out(tmp_path: Path) -> None:
    _tree(
        tmp_path, "a.tf", ".git/config", ".terraform/modules/m/main.tf", "node_modules/x.json",
        ".github/workflows/ci.yml", ".gitlab-ci.yml", ".env", "b/c.tf",
    )  # fmt: skip
    wanted = [".github/workflows/ci.yml", ".gitlab-ci.yml", "a.tf", "b/c.tf"]
    assert sorted(names(tmp_path)) == wanted


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    _tree(tmp_path, "a.tf")
    os.mkfifo(tmp_path / "pipe.tf")
    (tmp_path / "gone.tf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["a.tf"]


def test_large_files_and_too_many_of_them_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tree(tmp_path, "a.tf", "b.tf", "c.tf")
    (tmp_path / "b.tf").write_bytes(b"x" * (walk.MOST_BYTES + 1))
    assert names(tmp_path) == ["a.tf", "c.tf"]
    monkeypatch.setattr(walk, "MOST_FILES", 1)
    assert names(tmp_path) == ["a.tf"]


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no .*nowhere"):
        read([tmp_path / "nowhere"])


def test_files_are_named_as_the_user_named_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'resource "aws_ecs_service" "web" {\n  name = "web"\n}\n'
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.tf").write_text(text)
    monkeypatch.chdir(tmp_path)
    for named, file in (("infra", "infra/main.tf"), (".", "infra/main.tf"), ("infra/main.tf",) * 2):
        setup = read([Path(named)])
        assert [service.at.file for service in setup.services] == [file]
        assert setup.texts[file][0] == text.split("\n", maxsplit=1)[0]
