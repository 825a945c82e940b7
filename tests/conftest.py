from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import ground
from tests.docker_engine import PrivateEngine, private_engine

settings.register_profile("fairlead", deadline=None)  # other tests may have the machine
settings.load_profile("fairlead")


@pytest.fixture
def free_port() -> int:
    return ground.free_port()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[PrivateEngine]:
    """One for all tests that leave it as it was; who breaks it takes an engine of its own."""
    with private_engine() as engine:
        yield engine
