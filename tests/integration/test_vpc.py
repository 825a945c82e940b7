"""Three nodes on a network of their own, two controllers, a real name server: whatever is killed,
stopped or cut off, who honours the TTL loses no request."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ground import until
from tests.integration.vpc import Vpc, vpc

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Vpc]:
    async with vpc(tmp_path_factory.mktemp("vpc")) as made:
        yield made


def assert_even(answered: Counter[str], count: int) -> None:
    assert len(answered) == count
    share = answered.total() / count
    assert all(0.9 * share < n < 1.1 * share for n in answered.values()), answered


async def test_the_name_leads_to_every_endpoint_evenly_and_so_does_each_node(network: Vpc) -> None:
    clients, nodes = network.clients(8), [node.address for node in network.nodes]
    await until(
        lambda: all(clients.by_instance(node).total() >= 10_000 for node in nodes), patience=90
    )
    assert await clients.over() == []
    assert_even(clients.by_instance(), 3)
    for node in nodes:
        assert_even(clients.by_instance(node), 3)
