"""fairlead scale, as far as it is about the scaler."""

from __future__ import annotations

import json
from typing import Any

import pytest

VERDICT: dict[str, Any] = {
    "service": "catalog",
    "trial": False,
    "min": 1,
    "max": 6,
    "schedule": "0 7 * * 1-5 Europe/Berlin",
    "replicas": 2,
    "ready": 2,
    "starting": 0,
    "desired": 8,
    "count": 6,
    "why": "requests 75 (target 10); 8 wanted; held by max 6",
    "block": "paused: scaled to 2 by command",
    "paused": "scaled to 2 by command",
    "held": ["max 6"],
    "opinions": [
        {"metric": "requests", "value": 75.0, "target": 10.0, "count": 8, "why": ""},
        {"metric": "queue", "value": 12.5, "target": 100.0, "count": 1, "why": ""},
        {"metric": "cpu", "value": None, "target": 0.6, "count": None, "why": "stale"},
    ],
    "load": {
        "rate": 75.0, "in_flight": 9.0, "held": 0.0, "slow": 0.5, "failed": 0.0, "age": 1.2,
    },
    "readings": {"queue": {"value": 12.5, "age": 7.4}},
    "gaps": {"cpu": "the last value is 90 s old"},
    "placeable": 6,
    "limit": "memory on i-1",
    "missing": 2,
    "start_time": 2.34,
    "changes": [
        {"at": 1e9, "before": 1, "after": 2, "why": "requests 15 (target 10)", "done": True},
        {"at": 1e9, "before": 2, "after": 6, "why": "requests 75 (target 10)", "done": False},
    ],
}  # fmt: skip


def test_a_count_by_hand_says_that_the_scaler_is_paused(fairlead: Any, daemon: Any) -> None:
    daemon.control.paused["catalog"] = ""
    result = fairlead("scale", "catalog", 1)
    lines = result.out.splitlines()
    assert lines == [
        "catalog: 1 ready, as before",
        "its scaler is paused, until: fairlead scale catalog --resume",
    ]
    outcome = json.loads(fairlead("scale", "catalog", 1, "--json").out)
    assert outcome["paused"] == "scaled to 1 by command"
    assert "scaler paused: scaled to 1 by command" in fairlead("status", "catalog").out
    result = fairlead("scale", "catalog", "--resume")
    assert result.out == "catalog: its scaler acts again, from 1 on\n"
    outcome = json.loads(fairlead("scale", "catalog", "--resume", "--json").out)
    assert outcome == {"service": "catalog", "replicas": 1, "paused": ""}
    shown = fairlead("status", "catalog").out.splitlines()
    assert any(
        line.split() == ["1-9", "wants", "4", "requests", "40", "(target", "10)"] for line in shown
    )


def test_what_nothing_scales_is_neither_paused_nor_resumed(fairlead: Any, daemon: Any) -> None:
    assert "paused" not in fairlead("scale", "catalog", 1).out
    assert "paused" not in json.loads(fairlead("scale", "catalog", 1, "--json").out)
    result = fairlead("scale", "catalog", "--resume")
    assert result.status == 2
    assert "no scale section" in result.err
    assert fairlead("scale", "catalog", "--explain").status == 2


def test_explain_says_all_that_the_scaler_thinks(fairlead: Any, daemon: Any) -> None:
    daemon.control.paused["catalog"] = "scaled to 2 by command"
    daemon.control.verdicts["catalog"] = VERDICT
    assert json.loads(fairlead("scale", "catalog", "--explain", "--json").out) == VERDICT
    result = fairlead("scale", "catalog", "--explain")
    assert result.status == 0
    lines = result.out.splitlines()
    schedule = "by the schedule 0 7 * * 1-5 Europe/Berlin"
    assert lines[0] == f"catalog  1-6 {schedule}  2 asked for, 2 ready, 0 starting"
    assert lines[1:-2] == [
        "  nothing is changed: paused: scaled to 2 by command",
        "  wants 6 (8 before what holds it back): requests 75 (target 10); 8 wanted; held by max 6",
        "  held by max 6",
        "  2 more than find a place: memory on i-1",
        "  load: 75 requests/s, 9 in flight, 0 held, 0.5 slow/s, 0 failed/s, 1 s ago",
        "  requests: 75, target 10: asks for 8",
        "  queue: 12.5, 7 s ago, target 100: asks for 1",
        "  cpu: unknown, target 0.6: has no say (stale)",
        "  cpu is not known: the last value is 90 s old",
        "  a start takes 2.3 s",
    ]
    assert lines[-2].endswith(" 1 -> 2: requests 15 (target 10)")
    assert lines[-1].endswith(" 2 -> 6 would be: requests 75 (target 10)")


def test_explain_of_what_was_never_looked_at_says_to_wait(fairlead: Any, daemon: Any) -> None:
    daemon.control.paused["catalog"] = ""
    result = fairlead("scale", "catalog", "--explain")
    assert result.status == 1
    assert "ask again in some seconds" in result.err


def test_a_dry_run_shows_what_would_be_and_each_change_of_it(fairlead: Any, daemon: Any) -> None:
    daemon.control.verdicts["catalog"] = VERDICT
    answers = iter([2, 2, 3, 3, 3])

    async def scaling(service: str = "", *, trial: bool = False) -> list[dict[str, Any]]:
        assert (service, trial) == ("", True)
        count = next(answers, 3)
        return [{**VERDICT, "trial": True, "count": count, "desired": count, "why": "requests"}]

    daemon.control.scaling = scaling
    result = fairlead("scale", "--dry-run", "--for", "3s")
    assert result.status == 0
    lines = [line.partition("  ")[2] for line in result.out.splitlines()]
    bounds = "(of 1-6, by default settings)"
    assert lines == [
        f"catalog: 2 stays {bounds}; wants 2: requests",
        f"catalog: 2 -> 3 {bounds}; wants 3: requests",
    ]
    assert daemon.control.desired["catalog"] == 1


def test_a_dry_run_as_json_is_an_object_a_line(fairlead: Any, daemon: Any) -> None:
    daemon.control.verdicts["catalog"] = VERDICT
    result = fairlead("scale", "catalog", "--dry-run", "--for", "0s", "--json")
    assert [json.loads(line) for line in result.out.splitlines()] == [VERDICT]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scale"], "Missing argument 'SERVICE'"),
        (["scale", "catalog", "2", "--resume"], "exclude one another"),
        (["scale", "catalog", "--explain", "--dry-run"], "exclude one another"),
        (["scale", "catalog", "--explain", "--wait"], "--wait needs N"),
        (["scale", "catalog", "2", "--for", "1m"], "--for needs --dry-run"),
        (["scale", "--dry-run", "--for", "soon"], "'soon' is no time such as 30s or 1m"),
        (["scale", "--dry-run", "--for", "-1s"], "no time such as"),
    ],
)
def test_what_does_not_go_together_is_refused(
    fairlead: Any, arguments: list[str], words: str
) -> None:
    result = fairlead(*arguments)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1
