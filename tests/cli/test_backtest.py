"""fairlead backtest, from a trace to a table, JSON and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fairlead.cli.backtest import POLICIES
from fairlead.core.backtest.roster import EXPLAINED

SETTINGS = """
cluster: shop
platform: process
services:
  api: {run: [./api], scale: {min: 2, max: 6, objective: p95 <= 500ms, capacity: 20}}
  web: {run: [./web], replicas: 1}
"""


@pytest.fixture
def trace(state: Path) -> Path:
    """Two hours of minutes: 10 requests a second, and 40 in the second hour."""
    path = state.parent / "shop.csv"
    rows = [f"{1777593600 + 60 * n},{600 if n < 60 else 2400}" for n in range(120)]
    path.write_text("at,count\n" + "\n".join(rows) + "\n")
    return path


def answer(fairlead: Any, *arguments: object) -> dict[str, Any]:
    result = fairlead("backtest", "--json", "--jobs", "1", *arguments)
    assert result.status == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def test_every_policy_is_explained() -> None:
    assert {*POLICIES, "clairvoyant"} <= EXPLAINED.keys()


def test_json_has_every_policy_in_every_scenario(fairlead: Any, trace: Path) -> None:
    found = answer(fairlead, trace, "--peak", 300, "--start-up", 10, "--start-up", 60)
    assert set(found["policies"]) == {*POLICIES, "clairvoyant"}
    assert [each["start_up"] for each in found["scenarios"]] == [10, 60]
    for each in found["scenarios"]:
        assert set(each["policies"]) == {*POLICIES, "clairvoyant"}
        assert (each["peak"], each["seconds"], each["trace"]) == (300.0, 7200, "shop")
        assert each["requests"] == 60 * 600 + 60 * 2400


def test_policies_are_the_mean_and_the_worst_of_the_scenarios(fairlead: Any, trace: Path) -> None:
    found = answer(fairlead, trace, "--peak", 300, "--start-up", 10, "--start-up", 60)
    rows = [each["policies"]["hpa"] for each in found["scenarios"]]
    hpa = found["policies"]["hpa"]
    shares = [row["violations"] for row in rows]
    assert 0 < shares[0] < shares[1]  # the step is longer in violation when starts are slow
    assert hpa["violations"] == pytest.approx(sum(shares) / 2)
    assert hpa["worst"] == max(shares)
    assert hpa["hours"] == pytest.approx(sum(row["hours"] for row in rows) / 2)
    assert hpa["endpoint_hours"] == pytest.approx(sum(row["endpoint_hours"] for row in rows))
    assert found["policies"]["clairvoyant"]["hours"] == 1.0


def test_a_lower_set_point_has_fewer_violations_and_takes_more_hours(
    fairlead: Any, trace: Path
) -> None:
    arguments = (trace, "--peak", 300, "--policy", "keda")
    usual, lower = (
        answer(fairlead, *arguments, "--set-point", point)["policies"]["keda"]
        for point in (0.6, 0.3)
    )
    assert lower["violations"] < usual["violations"]
    assert lower["hours"] > usual["hours"] * 1.5


def test_processes_do_not_change_the_numbers(fairlead: Any, trace: Path) -> None:
    arguments = (trace, "--peak", 300, "--policy", "kpa", "--policy", "aws")
    one = answer(fairlead, *arguments)
    assert answer(fairlead, *arguments, "--jobs", 3) == one
    assert answer(fairlead, *arguments, "--seed", 2) != one


def test_table_and_its_words(fairlead: Any, trace: Path) -> None:
    result = fairlead("backtest", trace, "--peak", 300, "--policy", "hpa", "--jobs", 1)
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("shop: 0.08 days from 2026-05-01 00:00 UTC, 180,000 requests")
    assert any(line.startswith("POLICY") for line in lines)
    table = {line.split()[0]: line.split() for line in lines if line}
    assert len(table["hpa"]) == len(table["clairvoyant"]) == 8
    assert table["clairvoyant"][4] == "1.00"
    assert "keda" not in table
    assert result.err == ""  # how far it is stands on terminals only


def test_scenarios_are_told_apart(fairlead: Any, trace: Path) -> None:
    arguments = ("--queue", "0", "--queue", "pooled", "--policy", "static", "--jobs", 1)
    lines = fairlead("backtest", trace, *arguments).out.splitlines()
    assert any(line.startswith("shop 30s separate") for line in lines)
    assert any(line.startswith("shop 30s pooled") for line in lines)


def test_bounds_that_no_policy_can_do_with(fairlead: Any, trace: Path) -> None:
    result = fairlead("backtest", trace, "--peak", 300, "--max", 2, "--policy", "hpa")
    assert "with at most 2 endpoints no policy can do better than" in result.out


def test_a_part_of_the_trace(fairlead: Any, trace: Path) -> None:
    for since in ("2026-05-01T01:00", 1 / 24):
        found = answer(fairlead, trace, "--from", since, "--days", 0.5 / 24, "--policy", "hpa")
        assert found["scenarios"][0]["start"] == "2026-05-01T01:00:00+00:00"
        assert found["scenarios"][0]["seconds"] == 1800


def test_durations_as_settings_have_them(fairlead: Any, trace: Path) -> None:
    arguments = ("--start-up", "2m", "--start-up", "45", "--objective", "400ms", "--policy", "hpa")
    found = answer(fairlead, trace, *arguments)["scenarios"]
    assert [(each["start_up"], each["objective"]) for each in found] == [(120, 0.4), (45, 0.4)]


def test_of_a_service(fairlead: Any, state: Path, trace: Path) -> None:
    (state.parent / "fairlead.yaml").write_text(SETTINGS)
    found = answer(fairlead, trace, "--service", "api", "--policy", "hpa")["scenarios"][0]
    wanted = {"min": 2, "max": 6, "objective": 0.5, "capacity": 20.0}
    assert {key: found[key] for key in wanted} == wanted
    given = answer(fairlead, trace, "--service", "api", "--max", 9, "--objective", 0.3)
    assert (given["scenarios"][0]["max"], given["scenarios"][0]["objective"]) == (9, 0.3)


def test_picture_is_svg_with_all_policies(fairlead: Any, trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.svg"
    arguments = ("--picture", path, "--policy", "hpa", "--policy", "kpa", "--peak", 300)
    assert fairlead("backtest", trace, *arguments).status == 0
    root = ET.fromstring(path.read_text())
    space = "{http://www.w3.org/2000/svg}"
    texts = [each.text for each in root.iter(f"{space}text")]
    assert {"hpa", "kpa", "clairvoyant", "shop"} <= set(texts)
    assert any("in violation" in (text or "") for text in texts)
    kinds = [each.get("class") for each in root.iter() if each.get("class")]
    assert kinds.count("demand") == kinds.count("supply") == 4  # three panels and the legend
    assert kinds.count("bad") > 1


def test_picture_escapes_names(fairlead: Any, trace: Path, tmp_path: Path) -> None:
    odd = trace.rename(trace.with_name("a&b<c'\x1b.csv"))
    path = tmp_path / "odd.svg"
    assert fairlead("backtest", odd, "--picture", path, "--policy", "hpa").status == 0
    assert ET.fromstring(path.read_text()).get("aria-label", "").startswith("a&b<c'\\x1b,")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--peak", "nan"), "peak"),
        (("--peak", "0"), "peak"),
        (("--peak", "1e308"), "peak"),
        (("--capacity", "-1"), "capacity"),
        (("--start-up", "2h"), "start-up"),
        (("--objective", "1 s"), "objective"),
        (("--start-up", "99999"), "start-up"),
        (("--objective", "0"), "objective"),
        (("--objective", "nan"), "objective"),
        (("--min", "5", "--max", "4"), "min 5 is more than max 4"),
        (("--queue", "2"), "queue"),
        (("--policy", "magic"), "policy"),
        (("--days", "0"), "days"),
        (("--from", "yesterday"), "--from yesterday: expected a time"),
        (("--from", "2027-01-01"), "nothing is left of it"),
        (("--from", "3"), "nothing is left of it"),
        (("--jobs", "0"), "jobs"),
        (("--set-point", "1.1"), "set-point"),
        (("--capacity", "10"), "8% of the requests take longer than the objective"),
        (("--capacity", "10", "--jobs", "2"), "8% of the requests take longer"),
        (("--service", "none"), "no service"),
        (("--service", "web"), "has no scale:"),
        (("--peak", "1000000", "--capacity", "1"), "more than 10,000 endpoints"),
        (("--picture", "no/such/folder.svg", "--policy", "hpa"), "cannot write"),
    ],
)
def test_wrong_options(
    fairlead: Any, state: Path, trace: Path, arguments: tuple[str, ...], told: str
) -> None:
    (state.parent / "fairlead.yaml").write_text(SETTINGS)
    result = fairlead("backtest", trace, *arguments)
    assert result.status == 2
    assert told in result.err
    assert result.out == ""


def test_too_many_scenarios(fairlead: Any, trace: Path) -> None:
    peaks = [word for n in range(1, 202) for word in ("--peak", str(n))]
    result = fairlead("backtest", trace, *peaks)
    assert (result.status, "201 scenarios" in result.err) == (2, True)


@pytest.mark.parametrize("text", ["", "nan\n", "1e308 1 2\n", "\x00\x01"])
def test_hostile_traces_make_nothing(fairlead: Any, trace: Path, text: str) -> None:
    trace.write_text(text)
    picture = trace.with_name("out.svg")
    result = fairlead("backtest", trace, "--picture", picture)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("fairlead: ")
    assert not picture.exists()


def test_without_a_trace(fairlead: Any) -> None:
    assert fairlead("backtest").status == 2
