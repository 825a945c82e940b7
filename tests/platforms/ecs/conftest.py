from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.platforms.ecs.ground import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    yield found
    await found.close()
