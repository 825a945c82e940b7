from __future__ import annotations

import pytest

from tests import ground


@pytest.fixture
def free_port() -> int:
    return ground.free_port()
