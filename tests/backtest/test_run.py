"""Replays on several processes."""

from __future__ import annotations

import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.backtest.run import CLAIRVOYANT, OWN, Case, Plan, run, works
from fairlead.core.backtest.model import Queue
from fairlead.core.backtest.trace import Trace
from fairlead.core.scaling.policy import Scale
from tests.ground import children_of

TRACE = Trace("t", array("d", [6000.0] * 30 + [12000.0] * 30), 60)
CASES = (Case(0, None, 30, Queue.SEPARATE), Case(0, 300.0, 30, Queue.POOLED))


def plan(**others: object) -> Plan:
    return Plan((TRACE,), CASES, (OWN, "keda"), Scale(min=1, max=40, capacity=50.0), **others)  # type: ignore[arg-type]


def test_every_policy_meets_every_case_and_so_does_the_clairvoyant() -> None:
    wanted = {(case, name) for case in (0, 1) for name in (OWN, "keda", CLAIRVOYANT)}
    assert set(works(plan())) == wanted
    assert len(works(plan())) == len(wanted)


def test_rows_are_the_same_on_any_number_of_processes() -> None:
    alone = {(row.case, row.policy): row for row in run(plan(), 1)}
    assert {(row.case, row.policy): row for row in run(plan(), 4)} == alone
    assert alone[0, CLAIRVOYANT].set_point is not None


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_case_is_filmed(jobs: int) -> None:
    for row in run(plan(filmed=True), jobs):
        assert (row.film is not None) == (row.case == 0)
        if row.film is not None:
            assert row.film.seen == TRACE.seconds


def test_processes_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    long.write_text("".join(f"{60 * n},{3000 + 37 * n % 997}\n" for n in range(200_000)))
    command = [sys.executable, "-m", "fairlead", "backtest", str(long), "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as main:
        until(lambda: len(children_of(main.pid)) == 2)
        workers = children_of(main.pid)
        main.kill()
        main.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
