"""Files and running clusters by the words that name them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fairlead.core.errors import BadInput
from fairlead.inspect.source import look
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.rehearsal.ground import rehearsal

SLEEP = (sys.executable, "-c", "import time; time.sleep(300)")


@pytest.fixture
async def ecs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Rehearsal]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    async with rehearsal(nodes=1) as local:
        for name, value in local.environment().items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.mark.parametrize("word", ["ecs:shop", "ecs:eu-west-1/shop"])
async def test_a_cluster_that_runs_and_files_beside_it(
    ecs: Rehearsal, tmp_path: Path, word: str
) -> None:
    ecs.serve("catalog", ecs.define("catalog", *SLEEP, host_port=8083), 0)
    (tmp_path / "nginx.conf").write_text(
        "server {\n  location / { proxy_pass http://localhost:8083; }\n}\n"
    )
    setup = await asyncio.to_thread(look, [Path(word), tmp_path])
    assert [service.name for service in setup.services] == ["catalog"]
    assert [proxy.servers for proxy in setup.proxies] == [("localhost:8083",)]


@pytest.mark.parametrize("word", ["ecs:", "ecs:a b", "ecs:a/b/c", "ecs:EU-west-1/shop", "ecs:$x"])
def test_what_names_no_cluster_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="expected ecs:CLUSTER"):
        look([Path(word)])


def test_a_file_of_such_a_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ecs:shop").write_text("#!/bin/sh\naws ecs list-tasks --cluster shop\n")
    assert [call.operation for call in look([Path("ecs:shop")]).calls] == ["list-tasks"]


def test_a_path_that_is_not_there_is_bad_input() -> None:
    with pytest.raises(BadInput, match="nowhere"):
        look([Path("nowhere")])
