"""Traces in all their forms, and what is none."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.backtest import files
from fairlead.backtest.read import read
from fairlead.core.errors import BadInput
from fairlead.scaling.history import History

CSV = "timestamp,value\n2026-05-01 00:00:00,120\n2026-05-01 00:01:00,60\n2026-05-01 00:02:00,0\n"
COMBINED = (
    '203.0.113.9 - - [25/Nov/2026:12:00:{:02d} +0100] "GET / HTTP/1.1" 200 12 "-" "curl/8.5"\n'
)


def written(folder: Path, text: str | bytes, name: str = "trace.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_of_a_minute(tmp_path: Path) -> None:
    trace = read(written(tmp_path, CSV))
    assert (trace.name, trace.period, list(trace.counts)) == ("trace", 60, [120.0, 60.0, 0.0])
    assert trace.start == 1777593600.0  # 2026-05-01T00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "period,count\n1777593600,120\n1777593660,60\n1777593720,0\n",
        "1777593600,120\n1777593660,60\n1777593720,0\n",
        "1777593600000;120\n1777593660000;60\n1777593720000;0\n",
        "2026-05-01T02:00:00+02:00\t120\n2026-05-01T02:01:00+02:00\t60\n2026-05-01T00:02Z\t0\n",
        '"time","errors","requests"\n"2026-05-01T00:00:00Z","7","120"\n'
        '"2026-05-01T00:01:00Z","7","60"\n"2026-05-01T00:02:00Z","7","0"\n',
        "\ufeff# from fairlead\n\nat,count\n1777593600,120\r\n1777593660,60\r\n1777593720,0",
    ],
)
def test_times_columns_and_separators(tmp_path: Path, text: str) -> None:
    trace = read(written(tmp_path, text))
    assert (trace.period, trace.start, list(trace.counts)) == (60, 1777593600.0, [120.0, 60.0, 0.0])


@pytest.mark.parametrize("text", ["3 4 5\n", "3\n4\n5\n", "3,4,5\n", "3 4\n5", "3;4;5"])
def test_numbers_alone_are_seconds(tmp_path: Path, text: str) -> None:
    trace = read(written(tmp_path, text))
    assert (trace.period, trace.start, list(trace.counts)) == (1, None, [3.0, 4.0, 5.0])


def test_numbers_over_the_edge_of_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 7)
    counts = [float(n * 37) for n in range(200)]
    trace = read(written(tmp_path, " ".join(f"{n:g}" for n in counts)))
    assert list(trace.counts) == counts


def packed_tar(text: bytes | None) -> bytes:
    """With one file, or with a directory alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("workload.txt")
        member.type = tarfile.REGTYPE if text is not None else tarfile.DIRTYPE
        member.size = len(text or b"")
        archive.addfile(member, io.BytesIO(text or b""))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("t.csv.gz", gzip.compress),
        ("t.csv.bz2", bz2.compress),
        ("t.tbz2", lambda text: bz2.compress(packed_tar(text))),
        ("t.tgz", lambda text: gzip.compress(packed_tar(text))),
        ("t.tar", packed_tar),
    ],
)
def test_packed(tmp_path: Path, name: str, pack) -> None:  # type: ignore[no-untyped-def]
    trace = read(written(tmp_path, pack(CSV.encode()), name))
    assert (trace.name, list(trace.counts)) == ("t", [120.0, 60.0, 0.0])


def test_gaps_are_interpolated_and_told(tmp_path: Path) -> None:
    rows = [(0, 10), (1, 20), (2, 30), (5, 60), (6, 60), (7, 50)]
    text = "".join(f"{1777593600 + 60 * at},{count}\n" for at, count in rows)
    trace = read(written(tmp_path, text))
    assert list(trace.counts) == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 60.0, 50.0]
    assert trace.filled == (3, 4)


def test_access_log_in_any_order_with_silent_seconds(tmp_path: Path) -> None:
    seconds = [2, 0, 0, 5, 0]
    text = "".join(COMBINED.format(second) for second in seconds) + "no line of a log\n"
    trace = read(written(tmp_path, text, "access.log"))
    assert list(trace.counts) == [3.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert (trace.period, trace.skipped) == (1, 1)
    assert trace.start == 1795604400.0  # 2026-11-25T11:00Z


def test_the_history_that_fairlead_keeps(tmp_path: Path) -> None:
    """Three minutes at 2 requests a second, one unseen, two more at 5."""
    history = History(tmp_path)
    for at in range(1777593600, 1777593600 + 7 * 60, 5):
        if not 180 <= at - 1777593600 < 240:
            history.add("api", float(at), 2.0 if at < 1777593600 + 180 else 5.0)
    trace = read(tmp_path / "api.csv")
    assert (trace.name, trace.period, trace.start) == ("api", 60, 1777593600.0)
    assert list(trace.counts) == [120.0, 120.0, 120.0, 210.0, 300.0, 300.0]
    assert trace.filled == (3,)


HOSTILE = {
    "empty": ("", "is empty"),
    "blank": (" \n\n", "is empty"),
    "a header alone": ("timestamp,value\n", "0 rows"),
    "one row": ("timestamp,value\n2026-05-01 00:00:00,120\n", "1 rows"),
    "one number": ("7\n", "at least two"),
    "no requests": ("0 0 0 0\n", "no requests"),
    "nan": ("timestamp,value\n2026-05-01 00:00:00,1\n2026-05-01 00:01:00,nan\n", ":3: 'nan'"),
    "inf": ("1 2 inf 4\n", "no time|no count|expected columns"),
    "huge": ("1 2 1e308 4\n", "number 3: '1e308'"),
    "negative": ("1 2 -3 4\n", "number 3: '-3'"),
    "a word": ("timestamp,value\n2026-05-01 00:00:00,1\n2026-05-01 00:01:00,many\n", "'many'"),
    "no time": ("timestamp,value\nyesterday,1\n", ":2: 'yesterday' is no time"),
    "year 0": ("timestamp,value\n0000-01-01,1\n", "no time"),
    "no count": ("timestamp,value\n2026-05-01 00:00:00\n", ":2: expected a time and a count"),
    "one column": ("value\n3\n", "expected columns"),
    "unsorted": ("1777593660,1\n1777593600,2\n", ":2: 1777593600 is not later"),
    "twice": ("1777593600,1\n1777593600,2\n", "is not later"),
    "half a period": (
        "1777593600,1\n1777593660,2\n1777593720,2\n1777593721,2\n1777593780,2\n",
        "a second row for the same period",
    ),
    "too dense": ("1777593600.0,1\n1777593600.5,2\n1777593601.0,1\n", "0.5 s apart"),
    "too long": ("0,1\n1,1\n90000000,1\n", "days"),
    "mostly gaps": ("0,1\n60,1\n120,1\n36000,1\n", "are missing"),
    "prose": ("Dear all,\nplease find the numbers attached.\n", "no time|expected"),
    "binary": (bytes(range(256)) * 40, "is no text"),
    "bad gzip": (b"\x1f\x8b" + b"junk" * 50, "cannot read"),
    "cut gzip": (gzip.compress(CSV.encode() * 100)[:60], "cannot read"),
    "bad bzip2": (b"BZh9" + b"junk" * 50, "cannot read"),
    "a tar without files": (packed_tar(None), "without a file"),
    "no log": (COMBINED.format(1) + "garbage\n" * 5, "5 lines are none of an access log"),
    "a long line": ("timestamp,value\n" + "x" * 70_000, "longer than"),
    "a long number": ("1 " + "1" * 70_000, "no count|longer than"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_traces(tmp_path: Path, kind: str) -> None:
    text, told = HOSTILE[kind]
    path = written(tmp_path, text)
    with pytest.raises(BadInput, match=told):
        read(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read(tmp_path / "none")
    with pytest.raises(BadInput, match="directory"):
        read(tmp_path)


def test_unpacks_no_more_than_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(files, "CHUNK", 1 << 16)
    path = written(tmp_path, gzip.compress(b"1 " * (1 << 20)))
    with pytest.raises(BadInput, match="give a part"):
        read(path)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_anything_is_a_trace_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = written(tmp_path_factory.getbasetemp(), data, "any")
    try:
        trace = read(path)
    except BadInput:
        return
    assert len(trace.counts) >= 2
    assert all(0 <= count <= 1e12 for count in trace.counts)
