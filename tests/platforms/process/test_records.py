from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.platforms.process.records import Record, Records

RECORD = Record("catalog-abc234", "catalog", 20001, "0123456789ab", 1.5, "boot", 4711, 99)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    records = Records(tmp_path / "endpoints")
    records.write(RECORD)
    assert list(Records(tmp_path / "endpoints").read()) == [RECORD]


def test_a_record_is_replaced_and_removed(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(Record("a-1", "a", 1, "", 0.0, "boot"))
    records.write(Record("a-1", "a", 2, "", 0.0, "boot"))
    assert [record.port for record in records.read()] == [2]
    records.remove("a-1")
    records.remove("a-1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"id":"torn"}', b"\xff\xfe", b'{"id":7,"service":"a"}']
)
def test_a_torn_file_is_cleared_away_and_hides_no_other(tmp_path: Path, text: bytes) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    (tmp_path / "torn.json").write_bytes(text)
    (tmp_path / "other.tmp").write_bytes(b"{")
    assert list(records.read()) == [RECORD]
    assert [path.name for path in tmp_path.iterdir()] == ["catalog-abc234.json"]


def test_a_file_that_names_another_is_not_believed(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write(RECORD)
    (tmp_path / "catalog-abc234.json").rename(tmp_path / "catalog-zzzzzz.json")
    assert list(records.read()) == []
