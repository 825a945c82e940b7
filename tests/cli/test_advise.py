"""fairlead advise: ranking, table, sizes, steps, and the questions on a terminal."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from fairlead.cli.advise import SURVIVE as OFFERED
from fairlead.core.advice.following import Names, following
from fairlead.core.advice.rank import SURVIVE
from fairlead.core.costs.strategies import NAMES

Terminal = runpy.run_path(str(Path(__file__).parent / "test_terminal.py"))["Terminal"]


def advice(result: Any) -> Any:
    return json.loads(result.out)


def names(document: Any) -> list[str]:
    return [each["strategy"] for each in document["strategies"]]


def test_nothing_is_asked_without_a_terminal(fairlead: Any) -> None:
    result = fairlead("advise")
    assert result.status == 0
    assert "asked for: nothing but the price" in result.out
    assert result.err == ""


def test_nothing_is_asked_where_there_is_no_input_at_all(
    fairlead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert fairlead("advise").status == 0


def test_the_table_of_the_analysis_is_filled(fairlead: Any) -> None:
    assert OFFERED == SURVIVE
    out = fairlead("advise").out
    table = out[out.index("STRATEGY        ", out.index("WHY")) :]
    for name in ("COST", "COMPLEXITY", "RELIABILITY", "SCALING", "LOAD BALANCING"):
        assert name in table.splitlines()[0]
    rows = {line.split()[0]: line for line in table.splitlines()[1:9]}
    assert set(rows) == set(NAMES)
    assert "14.64" in rows["single"]
    assert "low (2 parts, 0 steps)" in rows["single"]
    assert "99.38 %, 273 min lost" in rows["single"]
    assert "dynamic, service-connect: 1 - (u^2 + u*70/3600 + c^2)" in out


def test_needs_exclude_and_say_why(fairlead: Any) -> None:
    found = advice(fairlead("advise", "--json", "--survive", "node", "--budget", "60"))
    assert names(found)[:3] == ["dynamic", "service-connect", "alb-shared"]
    out = {each["strategy"]: each["excluded"] for each in found["strategies"]}
    assert out["single"] == ["the only copy may not go"]
    assert out["alb"] == ["costs 146.74 a month, 86.74 over the budget"]


def test_what_nothing_meets_is_a_failure(fairlead: Any) -> None:
    result = fairlead("advise", "--budget", "1", "--availability", "99.99")
    assert result.status == 1
    assert "nothing meets all that is asked for" in result.out


def test_three_steps_name_cluster_and_service(fairlead: Any) -> None:
    result = fairlead(
        *("advise", "--survive", "node", "--cluster", "shop-ecs", "--service", "catalog"),
        *("--copies", "3"),
    )
    assert "fairlead rehearse -f fairlead.yaml --nodes 2" in result.out
    wanted = "aws ecs update-service --cluster shop-ecs --service catalog --desired-count 3"
    assert wanted in result.out
    assert [f"  {n}. " in result.out for n in (1, 2, 3, 4)] == [True, True, True, False]


def test_samples_size_tasks_and_the_bill(fairlead: Any, tmp_path: Path) -> None:
    """300 MiB and 10 % are a reservation of 336 MiB: one task a node beside fairlead's own."""
    samples = tmp_path / "samples.csv"
    samples.write_text("service,cpu_percent,memory_mib\n" + "catalog,10,300\n" * 120)
    result = fairlead("advise", "--samples", samples)
    row = next(line for line in result.out.splitlines() if line.startswith("catalog"))
    cells = "catalog 120 102 300 MiB 300 MiB 160 336 MiB 384 MiB"
    assert row.split() == cells.split()
    assert "-XX:MaxRAMPercentage=75" in result.out
    assert "fewer than" not in result.out
    found = advice(fairlead("advise", "--json", "--samples", samples))
    assert found["usage"]["tasks"]["memory"] == 336
    assert found["sizes"][0]["memory"] == 384
    given = advice(fairlead("advise", "--json", "--samples", samples, "--memory", "64"))
    assert given["usage"]["tasks"]["memory"] == 64


def test_few_samples_are_told(fairlead: Any, tmp_path: Path) -> None:
    samples = tmp_path / "few.csv"
    samples.write_text("service,cpu,memory_mib\ncatalog\x1b[31m,1,1\n")
    out = fairlead("advise", "--samples", samples).out
    assert "! fewer than 100 samples of catalog\\x1b[31m" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--availability", "101"),
        ("--budget", "-1"),
        ("--survive", "all"),
        ("--per-copy", "nan"),
        ("--samples", "none"),
    ],
)
def test_wrong_input_is_refused(fairlead: Any, arguments: tuple[str, ...]) -> None:
    assert fairlead("advise", *arguments).status == 2


def test_a_copy_that_takes_nothing_is_no_need(fairlead: Any) -> None:
    assert fairlead("advise", "--per-copy", "0").status == 0


def test_a_terminal_is_asked_for_what_no_flag_says(tmp_path: Path) -> None:
    import os

    terminal = Terminal(tmp_path, "advise", "--availability", "99", COLUMNS="200")
    for question, answer in (
        (b"Requests a second", b"2"),
        (b"Budget in dollars", b"much"),
        (b"is no number between", b"100"),
        (b"What may go without an outage", b""),
    ):
        terminal.read_until(question)
        os.write(terminal.master, answer + b"\n")
    assert terminal.end() == 0
    assert b"Percent of requests" not in terminal.seen
    wanted = b"at most 100.00 a month, 99.00 % answered, the loss of a copy without an outage"
    assert wanted in terminal.seen
    assert b"2 requests/s" in terminal.seen


def test_a_terminal_where_all_is_said_is_asked_nothing(tmp_path: Path) -> None:
    terminal = Terminal(
        *(tmp_path, "advise", "--json", "--requests", "1", "--budget", "100"),
        *("--survive", "node", "--availability", "99"),
    )
    assert terminal.end() == 0
    assert names(json.loads(terminal.seen))[0] == "dynamic"


SETTINGS = """
cluster: shop
platform: ecs
ecs: {cluster: shop-ecs, region: eu-west-1}
services:
  catalog:
    service: shop-catalog
    routes: [catalog.example.com]
    health: {path: /actuator/health}
"""
POD = """
cluster: shop
listen: 127.0.0.1:8080
services:
  catalog: {run: [/app/catalog, --port, "{port}"], routes: [catalog.localhost]}
"""
KNOWN = {"IMAGE": "shop/catalog:1", "PORT": "8080", "NODE": "10.0.0.1"}


@pytest.mark.parametrize("strategy", ["dynamic", "alb", "alb-shared", "fixed", "pod"])
def test_steps_that_export_can_be_taken(fairlead: Any, tmp_path: Path, strategy: str) -> None:
    (tmp_path / "fairlead.yaml").write_text(SETTINGS)
    (tmp_path / "pod.yaml").write_text(POD)
    exports = [
        step.command
        for step in following(strategy, Names("shop-ecs", "catalog", 3))
        if step.command.startswith("fairlead export")
    ]
    assert exports
    for command in exports:
        words = [re.sub("[A-Z]{4,}", lambda m: KNOWN[m[0]], word) for word in command.split()[1:]]
        result = fairlead(*words)
        assert result.status == 0, result.err
        assert "wrote" in result.out
