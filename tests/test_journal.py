from __future__ import annotations

import asyncio
from pathlib import Path

from fairlead import journal
from fairlead.journal import EventLog
from tests.stub_edges import StubClock


def open_log(folder: Path) -> EventLog:
    return EventLog(folder / "events.jsonl", StubClock())


def test_events_are_numbered_on_over_a_restart(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.record("start", "catalog", "2 wanted", "catalog-1")
    log.close()
    log = open_log(tmp_path)
    log.record("ready", "catalog", "passed", "catalog-1")
    assert [(e.seq, e.kind) for e in log.since(0)] == [(1, "start"), (2, "ready")]
    assert [e.kind for e in log.since(1)] == ["ready"]
    log.close()


def test_a_line_cut_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.record("start", "catalog", "2 wanted")
    log.close()
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"at":1.0,"ki\n')
    log = open_log(tmp_path)
    assert [e.seq for e in log.since(0)] == [1]
    log.close()


async def test_a_reader_waits_for_what_is_not_there_yet(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    readers = [asyncio.create_task(log.wait(0, 30)) for _ in range(2)]
    await asyncio.sleep(0)
    log.record("start", "catalog", "2 wanted")
    for reader in readers:
        assert [e.kind for e in await reader] == ["start"]
    assert await log.wait(1, 0) == []
    log.close()


def test_listeners_hear_every_event(tmp_path: Path) -> None:
    log, heard = open_log(tmp_path), list[str]()
    log.listen(lambda event: heard.append(event.kind))
    log.record("start", "catalog", "2 wanted")
    assert heard == ["start"]
    log.close()


def test_the_file_and_the_memory_are_bounded(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(journal.KEPT + 50):
        log.record("start", "catalog", f"{number} " + "x" * 4000)
    assert len(log.since(0)) == journal.KEPT
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < journal.LARGEST_FILE + 8192
    assert all(path.stat().st_mode & 0o77 == 0 for path in tmp_path.iterdir())
    log.close()


def test_what_a_full_disk_does_not_take_is_still_told(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.record("start", "catalog", "2 wanted")
    log._file.close()
    log._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - the log closes it
    log.record("ready", "catalog", "passed")
    log._file.close()
    log._file = (tmp_path / "events.jsonl").open("ab", buffering=0)
    log._file.write(b'{"seq":2,"at"')  # the part that the disk had room for
    log.record("stop", "catalog", "room again")
    assert [e.seq for e in log.since(0)] == [1, 2, 3]
    log.close()
    log = open_log(tmp_path)
    assert [e.seq for e in log.since(0)] == [1, 3]
    log.close()


def test_a_line_without_its_end_spares_the_next(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'{"seq":1,"at":1.0,"ki')
    log = open_log(tmp_path)
    log.record("start", "catalog", "2 wanted")
    log.close()
    log = open_log(tmp_path)
    assert [e.kind for e in log.since(0)] == ["start"]
    log.close()
