from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ground import need_nginx
from tests.integration.cluster import RunningCluster

Make = Callable[..., RunningCluster]


@pytest.fixture(scope="session", autouse=True)
def _nginx() -> None:
    need_nginx()


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
