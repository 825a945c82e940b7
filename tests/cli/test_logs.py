from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.cli.tail import BLOCK, MAX_LINE, Follower, last_lines

FAIRLEAD = [sys.executable, "-c", "from fairlead.cli.main import main; main()"]


@pytest.fixture
def catalog(state: Path) -> Path:
    directory = state / "logs" / "catalog"
    directory.mkdir(parents=True)
    return directory


def test_the_last_lines_of_each_endpoint(fairlead: Any, catalog: Path) -> None:
    (catalog / "catalog-1.log").write_text("".join(f"one {n}\n" for n in range(5)))
    (catalog / "catalog-2.log").write_text("two 0\nan unfinished line")
    os.utime(catalog / "catalog-1.log", (1, 1))
    result = fairlead("logs", "catalog", "-n", 2)
    assert result.status == 0
    assert result.out.splitlines() == [
        "catalog-1 | one 3",
        "catalog-1 | one 4",
        "catalog-2 | two 0",
        "catalog-2 | an unfinished line",
    ]


def test_lines_are_verbatim_bytes(fairlead: Any, catalog: Path) -> None:
    (catalog / "catalog-1.log").write_bytes(b"\x1b[31mred\xe2\x82\xac\n")
    assert fairlead("logs", "catalog").out == "catalog-1 | \x1b[31mred€\n"


def test_rotated_files_are_read_too(catalog: Path) -> None:
    path = catalog / "catalog-1.log"
    path.write_text("five\nsix\n")
    (catalog / "catalog-1.log.1").write_text("three\nfour\n")
    (catalog / "catalog-1.log.2").write_text("one\ntwo\n")
    assert last_lines(path, 5) == [b"two", b"three", b"four", b"five", b"six"]
    assert last_lines(path, 100)[0] == b"one"
    assert last_lines(path, 0) == []


def test_a_long_file_is_read_from_its_end(catalog: Path) -> None:
    path = catalog / "catalog-1.log"
    path.write_bytes(b"".join(b"%06d\n" % n for n in range(BLOCK)))
    assert last_lines(path, BLOCK // 4) == [b"%06d" % n for n in range(BLOCK * 3 // 4, BLOCK)]


@pytest.mark.parametrize("name", ["nobody", "..", "../logs", ".", "catalog/"])
def test_an_unknown_service_is_refused(fairlead: Any, catalog: Path, name: str) -> None:
    result = fairlead("logs", name)
    assert result.status == 2
    assert "logs of: catalog" in result.err


def test_following_a_cut_file_loses_nothing(catalog: Path) -> None:
    path = catalog / "catalog-1.log"
    path.write_text("one\n")
    follower = Follower(path)
    assert list(follower.lines()) == [b"one"]
    path.write_text("one\ntwo\nthr")
    (catalog / "catalog-1.log.1").write_bytes(path.read_bytes())
    path.write_text("ee\n")
    assert list(follower.lines()) == [b"two", b"three"]
    assert list(follower.lines()) == []


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_followed_lines_are_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("logs") / "x.log"
    path.touch()
    follower, seen = Follower(path), []
    with path.open("ab", buffering=0) as file:
        for chunk in chunks:
            file.write(chunk)
            seen += list(follower.lines())
    assert seen == b"".join(chunks).split(b"\n")[:-1]


def test_a_line_without_end_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"x" * (MAX_LINE * 3 + 1))
    pieces = list(Follower(path).lines())
    assert [len(piece) for piece in pieces] == [MAX_LINE] * 3


@pytest.fixture
def following(catalog: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (catalog / "catalog-1.log").write_text("old\n")
    process = subprocess.Popen(
        [*FAIRLEAD, "logs", "catalog", "--follow"], cwd=tmp_path, stdout=subprocess.PIPE
    )
    limit = threading.Timer(20, process.kill)
    limit.start()
    yield process
    limit.cancel()
    process.kill()
    process.communicate()


def test_follow_meets_new_endpoints(catalog: Path, following: subprocess.Popen[bytes]) -> None:
    assert following.stdout
    assert following.stdout.readline() == b"catalog-1 | old\n"
    with (catalog / "catalog-1.log").open("a") as file:
        file.write("new\n")
    assert following.stdout.readline() == b"catalog-1 | new\n"
    (catalog / "catalog-2.log").write_text("hello\n")
    assert following.stdout.readline() == b"catalog-2 | hello\n"
    (catalog / "catalog-1.log").unlink()
    with (catalog / "catalog-2.log").open("a") as file:
        file.write("still here\n")
    assert following.stdout.readline() == b"catalog-2 | still here\n"
