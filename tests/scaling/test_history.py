"""Requests a minute, in a file that survives crashes and does not grow for ever."""

from __future__ import annotations

from pathlib import Path

from fairlead.core.scaling.objective import ByObjective
from fairlead.scaling.history import DAY, KEPT, MINUTE, History

BEGIN = 1_800_000_000 // DAY * DAY
EVERY = 5


def steady(history: History, rate: float, begin: int, seconds: int) -> None:
    for at in range(begin, begin + seconds + 1, EVERY):
        history.add("catalog", at, rate)


def test_each_minute_is_a_line_with_its_count(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    steady(history, 2.0, BEGIN, 3 * MINUTE)
    expected = "".join(f"{BEGIN + n * MINUTE},120\n" for n in range(3))
    assert (tmp_path / "history" / "catalog.csv").read_text() == expected
    assert history.read("catalog") == [(BEGIN + n * MINUTE, 120) for n in range(3)]


def test_a_minute_that_was_hardly_seen_is_a_gap_and_a_half_seen_one_is_made_whole(
    tmp_path: Path,
) -> None:
    history = History(tmp_path)
    steady(history, 2.0, BEGIN, 20)
    steady(history, 2.0, BEGIN + MINUTE + 15, 2 * MINUTE - 15)
    assert history.read("catalog") == [(BEGIN + MINUTE, 120), (BEGIN + 2 * MINUTE, 120)]


def test_it_goes_on_after_a_restart_and_passes_over_a_line_that_a_crash_cut(
    tmp_path: Path,
) -> None:
    steady(History(tmp_path), 1.0, BEGIN, MINUTE)
    with (tmp_path / "catalog.csv").open("a") as file:
        file.write(f"{BEGIN + MINUTE},6")
    steady(History(tmp_path), 1.0, BEGIN + 5 * MINUTE, 2 * MINUTE)
    found = History(tmp_path).read("catalog")
    assert found == [(BEGIN, 60), (BEGIN + 6 * MINUTE, 60)]


def test_what_is_older_than_two_months_is_cut_off(tmp_path: Path) -> None:
    old = BEGIN - KEPT - KEPT // 5
    lines = "".join(f"{at},7\n" for at in range(old, BEGIN, MINUTE))
    (tmp_path / "catalog.csv").write_text(lines)
    history = History(tmp_path)
    steady(history, 1.0, BEGIN, DAY)
    found = history.read("catalog")
    assert BEGIN - KEPT <= found[0][0] < BEGIN - KEPT + DAY
    assert found[-1] == (BEGIN + DAY - MINUTE, 60)


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "history")
    steady(history, 1.0, BEGIN, 2 * MINUTE)
    assert history.read("catalog") == []


def test_a_clock_that_goes_back_writes_no_minute_twice(tmp_path: Path) -> None:
    history = History(tmp_path)
    steady(history, 1.0, BEGIN, MINUTE)
    steady(history, 1.0, BEGIN - 10 * MINUTE, MINUTE)
    steady(history, 1.0, BEGIN, MINUTE)
    minutes = [at for at, _ in history.read("catalog")]
    assert minutes == sorted(set(minutes))


def test_minutes_that_a_wrong_clock_has_dated_far_ahead_go(tmp_path: Path) -> None:
    history = History(tmp_path)
    steady(history, 1.0, BEGIN, MINUTE)
    steady(history, 1.0, BEGIN + 30 * DAY, 2 * MINUTE)
    steady(history, 1.0, BEGIN + 10 * MINUTE, 2 * MINUTE)
    found = [at for at, _ in history.read("catalog")]
    assert found == [BEGIN, BEGIN + 10 * MINUTE, BEGIN + 11 * MINUTE]


def test_the_last_ones_are_read_from_the_end_of_the_file(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.recent("catalog", DAY) == []
    lines = "".join(f"{BEGIN + n * MINUTE},{n}\n" for n in range(20_000))
    (tmp_path / "catalog.csv").write_text(lines)
    last = BEGIN + 19_999 * MINUTE
    found = history.recent("catalog", DAY)
    assert (len(found), found[0][0], found[-1]) == (1440, last - DAY + MINUTE, (last, 19_999))
    assert history.recent("catalog", 60 * DAY) == history.read("catalog")


def test_a_decider_begins_with_the_days_that_were_seen() -> None:
    busy = range(12 * 60, 13 * 60)
    minutes = [
        (BEGIN + day * DAY + n * MINUTE, 6000 if n in busy else 60)
        for day in range(5)
        for n in range(1440)
    ]
    learned = ByObjective()
    learned.recall(minutes)
    noon = float(BEGIN + 5 * DAY + 12 * 3600)
    season = learned._season
    assert season.ahead(noon - 30, 40) == 100.0
    assert season.ahead(noon - 3600, 40) == 1.0
    assert ByObjective()._season.ahead(noon, 40) == 0.0
