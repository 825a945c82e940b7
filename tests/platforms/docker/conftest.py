from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.docker_engine import PrivateEngine
from tests.platforms.docker.ground import Harbour


@pytest.fixture
async def harbour(docker_engine: PrivateEngine) -> AsyncIterator[Harbour]:
    harbour = Harbour(docker_engine)
    yield harbour
    await harbour.clear()
