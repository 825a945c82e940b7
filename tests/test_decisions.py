from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.core.errors import FairleadError
from fairlead.core.model import CheckKind, Decision, HealthCheck, Route, Service
from fairlead.core.scaling.policy import (
    CloudWatchQuery,
    Metric,
    Pace,
    Scale,
    Schedule,
    Share,
    Source,
    Target,
)
from fairlead.decisions import DecisionFiles, begin_epoch
from tests.stub_edges import StubJournal

GOOD = Service(
    "catalog",
    (Route("shop.localhost", "/api", strip=True),),
    run=("app", "{port}"),
    env=(("A", "b"),),
    health=HealthCheck(CheckKind.HTTP, "/health"),
)
DECISION = Decision(4, 2, "abc", GOOD, (("catalog-1", "restart", True),))


def test_decisions_outlive_the_daemon(tmp_path: Path) -> None:
    DecisionFiles(tmp_path / "decisions", StubJournal()).put("catalog", DECISION)
    again = DecisionFiles(tmp_path / "decisions", StubJournal())
    assert again.get("catalog") == DECISION
    assert again.get("alerts") == Decision()


def test_a_scaled_service_outlives_the_daemon_and_older_files_are_read(tmp_path: Path) -> None:
    metric = Metric(Source.CLOUDWATCH, queries=(CloudWatchQuery("m1", dimensions=(("A", "b"),)),))
    scale = Scale(
        min=0,
        objective=None,
        targets=(Target("busy", metric, 10.0, Share.AVERAGE),),
        out=Pace(most=4),
        schedules=(Schedule("0 8 * * *", 3600.0, "Europe/Berlin", min=3),),
    )
    scaled = replace(DECISION, good=replace(GOOD, scale=scale))
    DecisionFiles(tmp_path, StubJournal()).put("catalog", scaled)
    assert DecisionFiles(tmp_path, StubJournal()).get("catalog") == scaled
    before = json.loads((tmp_path / "catalog.json").read_text())
    del before["good"]["scale"]
    (tmp_path / "catalog.json").write_text(json.dumps(before))
    assert DecisionFiles(tmp_path, StubJournal()).get("catalog") == DECISION


def test_dropped_decisions_are_gone_for_good(tmp_path: Path) -> None:
    files = DecisionFiles(tmp_path / "decisions", StubJournal())
    files.put("catalog", DECISION)
    files.drop("catalog")
    files.drop("never-known")
    assert DecisionFiles(tmp_path / "decisions", StubJournal()).get("catalog") == Decision()


def test_a_controller_that_leads_again_goes_on_unless_another_has_led_meanwhile(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "decisions"
    assert not begin_epoch(folder, 4)
    DecisionFiles(folder, StubJournal()).put("catalog", DECISION)
    assert not begin_epoch(folder, 5)
    assert DecisionFiles(folder, StubJournal()).get("catalog") == DECISION
    assert begin_epoch(folder, 7)
    assert DecisionFiles(folder, StubJournal()).get("catalog") == Decision()
    assert not begin_epoch(folder, 7)


def test_a_lease_that_was_made_anew_tells_nothing_of_who_led(tmp_path: Path) -> None:
    begin_epoch(tmp_path, 4)
    DecisionFiles(tmp_path, StubJournal()).put("catalog", DECISION)
    assert begin_epoch(tmp_path, 1)


def test_a_broken_file_is_set_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_bytes(b'{"replicas": "many"}')
    journal = StubJournal()
    assert DecisionFiles(tmp_path, journal).get("catalog") == Decision()
    assert journal.kinds() == ["decisions-lost"]
    assert (tmp_path / "catalog.broken").exists()


def test_an_unchanged_decision_is_not_written_again(tmp_path: Path) -> None:
    files = DecisionFiles(tmp_path, StubJournal())
    files.put("catalog", DECISION)
    (tmp_path / "catalog.json").unlink()
    files.put("catalog", DECISION)
    assert not (tmp_path / "catalog.json").exists()


def test_what_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    files = DecisionFiles(tmp_path / "decisions", StubJournal())
    (tmp_path / "decisions").rmdir()
    with pytest.raises(FairleadError, match=r"cannot write .*catalog\.json: No such file"):
        files.put("catalog", DECISION)
    (tmp_path / "decisions").mkdir()
    files.put("catalog", DECISION)
    assert DecisionFiles(tmp_path / "decisions", StubJournal()).get("catalog") == DECISION
