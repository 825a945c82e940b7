from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.server import serve

StubControl = runpy.run_path(str(Path(__file__).parent / "stub_daemon.py"))["StubControl"]


@pytest.fixture
def control() -> Any:
    return StubControl()


@pytest.fixture
async def socket_path(control: Any, tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "state" / "fairlead.sock"
    async with serve(control, path):
        yield path
