"""What is foretold is what happens: small clusters by chance, on the local ECS with real nginx."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.core.ecs.model import ContainerDefinition, Definition, PortMapping
from fairlead.core.whatif.model import Kind, Model, Naming, Target, Wanted, Way, node
from fairlead.core.whatif.predict import predict
from tests.integration.whatif_cases import FIRST_PORT, random_model
from tests.integration.whatif_ground import differences
from tests.integration.whatif_kept import differences_kept

pytestmark = pytest.mark.integration


def analysis(nodes: int) -> Model:
    """Two copies of a service with a port of its own, nginx to localhost, DNS by a script."""
    mapping = PortMapping(8080, FIRST_PORT)
    container = ContainerDefinition("app", ports=(mapping,))
    definition = Definition("catalog", "catalog", 1, "bridge", (container,), 0, 128)
    catalog = Wanted("catalog", definition, 1, 2)
    way = Way("catalog.example.com", "catalog", Naming.FIRST, (Target(Kind.LOCAL, FIRST_PORT),))
    made = tuple(node(n, 2048, 916, 2) for n in range(1, nodes + 1))
    return Model(made, (catalog,), (way,), ("catalog",))


@pytest.mark.parametrize("nodes", [1, 2])
async def test_the_analysis(nodes: int, tmp_path: Path) -> None:
    model = analysis(nodes)
    assert bool(predict(model).scene.pending) is (nodes == 1)
    assert await differences(model, tmp_path, random.Random(nodes)) == []


@pytest.mark.parametrize("seed", range(1000, 1016))
async def test_clusters_by_chance(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    assert await differences(random_model(chance), tmp_path, chance) == []


async def test_a_cluster_that_fairlead_keeps(tmp_path: Path) -> None:
    chance = random.Random(1)
    assert await differences_kept(random_model(chance, kept=True), tmp_path, chance) == []


async def test_a_wrong_prediction_is_noticed(tmp_path: Path) -> None:
    """The comparison itself: a model with another port than the one that runs."""
    model = analysis(2)
    wrong = replace(model.ways[0], targets=(Target(Kind.LOCAL, FIRST_PORT + 1),))
    proxied = replace(model, ways=(wrong,))
    found = await differences(model, tmp_path, random.Random(1), proxied)
    assert any("foretold 1.00, measured 0.00" in each for each in found)
