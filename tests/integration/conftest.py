from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fairlead.proxies.nginx.machine import check_machine
from tests.integration.cluster import RunningCluster

Make = Callable[..., RunningCluster]


@pytest.fixture(scope="session", autouse=True)
def _nginx() -> None:
    """Without nginx these tests skip at home and fail in CI."""
    problems = check_machine()
    if problems and os.environ.get("CI") == "true":
        pytest.fail("; ".join(problems))
    if problems:
        pytest.skip("; ".join(problems))


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes clusters that are not started yet, and ends them all after the test."""
    made: list[RunningCluster] = []

    def make(services: dict[str, Any], **settings: Any) -> RunningCluster:
        folder = tmp_path / f"cluster{len(made)}"
        folder.mkdir()
        made.append(RunningCluster(folder, {"services": services, **settings}))
        return made[-1]

    yield make
    for one in made:
        await one.down()
    shutil.rmtree(tmp_path, ignore_errors=True)
