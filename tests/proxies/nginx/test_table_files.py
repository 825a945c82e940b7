from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.core.errors import ProxyError
from fairlead.core.model import Entry, ServiceTable
from fairlead.proxies.nginx.table import Doc, decode, encode
from fairlead.proxies.nginx.table_files import TableFiles

BODY = encode(ServiceTable("catalog", (), (Entry("e", "127.0.0.1", 1),)), {"e": 0})


def only(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def doc(service: str, slot: int = 0) -> Doc:
    table = ServiceTable(service, (), (Entry("e", "127.0.0.1", 1),))
    return decode(encode(table, {"e": slot}))


async def test_a_committed_table_is_on_disk_for_its_owner_only(tmp_path: Path) -> None:
    files = TableFiles(tmp_path)
    await files.commit("catalog", files.stage("catalog", BODY))
    file = only(tmp_path)
    assert (file.name, file.read_bytes()) == ("catalog.json", BODY)
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_discarded_table_leaves_the_old_one(tmp_path: Path) -> None:
    files = TableFiles(tmp_path)
    await files.commit("catalog", files.stage("catalog", BODY))
    await files.discard(files.stage("catalog", b"refused"))
    assert only(tmp_path).read_bytes() == BODY


async def test_a_disk_that_refuses_is_told_at_the_commit(tmp_path: Path) -> None:
    files = TableFiles(tmp_path / "none")
    with pytest.raises(OSError, match="No such file"):
        await files.commit("catalog", files.stage("catalog", BODY))
    await files.discard(files.stage("catalog", BODY))


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_bytes(BODY)
    for _ in range(2):
        TableFiles(tmp_path).remove("catalog")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../x", "a/b", ".", ""])
def test_a_hostile_name_reaches_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProxyError):
        TableFiles(tmp_path).remove(name)


def test_files_follow_the_live_table(tmp_path: Path) -> None:
    files = TableFiles(tmp_path)
    for name, body in {
        "same.json": encode(doc("same").table, {"e": 0}),
        "older.json": encode(doc("older").table, {"e": 5}),
        "broken.json": b"{",
        "gone.json": BODY,
        ".catalog.staged": b"half",
    }.items():
        (tmp_path / name).write_bytes(body)
    same = (tmp_path / "same.json").stat().st_ino
    live = {name: doc(name, 2 if name == "older" else 0) for name in ("same", "older", "broken")}
    files.follow(live)
    assert {p.stem: decode(p.read_bytes()) for p in tmp_path.iterdir()} == live
    assert (tmp_path / "same.json").stat().st_ino == same
