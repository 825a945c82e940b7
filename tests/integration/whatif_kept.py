"""A model whose proxies fairlead keeps, as it is foretold and as a whole fairlead on the local ECS
makes it: its proxy is one, and stands for that of every node that lives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from fairlead.core.whatif.follow import answers, follow
from fairlead.core.whatif.model import Model
from fairlead.core.whatif.scene import Scene
from tests.integration.cluster import RunningCluster
from tests.integration.whatif_ground import PATIENCE, Real, Shares, ask, placement, replaced
from tests.rehearsal.ground import rehearsal

ASKED = 240
WITHIN = 0.15
"""Of two random endpoints one is taken: four deviations of a half, of so many requests."""
HEALTH = {"path": "/health", "interval": "200ms", "timeout": "1s", "fall": 2}


@asynccontextmanager
async def fairlead(real: Real, folder: Path) -> AsyncIterator[RunningCluster]:
    """Started with all services of the model; ended with the block."""
    services = {
        way.service: {
            "service": way.service,
            "container": "app",
            "routes": [way.host],
            "health": dict(HEALTH),
            "hold": "100ms",
        }
        for way in real.model.ways
    }
    ecs = {"cluster": real.ecs.setting.cluster}
    with pytest.MonkeyPatch.context() as env:
        env.delenv("AWS_PROFILE", raising=False)
        env.setenv("AWS_CONFIG_FILE", str(folder / "none"))
        for name, value in real.ecs.environment().items():
            env.setenv(name, value)
        running = RunningCluster(folder, {"services": services, "platform": "ecs", "ecs": ecs})
        try:
            await running.start()
            yield running
        finally:
            await running.down()


async def differences_kept(model: Model, folder: Path, chance: random.Random) -> list[str]:
    """Run it, and say where the model is wrong."""
    first = model.nodes[0]
    setting = {"memory": first.memory, "cpu": first.cpu, "interfaces": first.interfaces}
    async with AsyncExitStack() as stack:
        made = rehearsal(nodes=len(model.nodes), throttle=False, **setting)
        real = Real(model, await stack.enter_async_context(made), folder, model)
        await real.begin()
        found = list(placement(real))
        running = await stack.enter_async_context(fairlead(real, folder))
        await _ready(real, running)
        found += await _requests(real, running, "steady")
        return found + await _loss(real, running, chance)


async def _ready(real: Real, running: RunningCluster) -> None:
    """Every task is an endpoint that is ready, and nothing else is."""
    wanted = {(f"{task.service}-{task.id[:12]}", "ready") for task in real.tasks()}

    def found() -> bool:
        names = [each.name for each in real.model.services]
        return {(e["id"], e["state"]) for n in names for e in running.endpoints(n)} == wanted

    await running.until(found, f"{wanted}", PATIENCE)


async def _loss(real: Real, running: RunningCluster, chance: random.Random) -> list[str]:
    """Of a task or a node: requests begin at once."""
    tasks = real.tasks()
    if not tasks:
        return []
    real.pause(3600.0)
    if len(real.model.nodes) > 1 and chance.random() < 0.5:
        what = chance.choice(real.model.nodes).arn
        await real.lose_node(what)
    else:
        lost = chance.choice(tasks)
        what = f"a task of {lost.service}"
        real.stop([lost])
        await real.gone([lost])
    found = await _requests(real, running, f"{what} lost")
    await real.resumed()
    found += list(replaced(real, what))
    await _ready(real, running)
    return found + await _requests(real, running, f"{what} replaced")


async def _requests(real: Real, running: RunningCluster, what: str) -> list[str]:
    scene = real.scene()
    got: Shares = {}
    names = {t.containers[0].id: p.name for t, p in zip(real.tasks(), scene.tasks, strict=True)}
    for way in real.model.ways:
        asked = [await ask(("127.0.0.1", running.port), way.host) for _ in range(ASKED)]
        for task, count in Counter(names.get(each, "") for each in asked).items():
            got[way.host, "proxy", task] = count / ASKED
    return list(_apart(what, _foretold(real.model, scene), got))


def _foretold(model: Model, scene: Scene) -> Shares:
    """Of the proxy of a node that lives."""
    found: Shares = {}
    for flow in follow(model, scene, answers(model, scene)):
        entry = next(each for each in flow.entries if each.at not in scene.dead)
        for end in entry.ends:
            key = (flow.way.host, "proxy", "" if end.why else end.task)
            found[key] = found.get(key, 0.0) + end.share
    return found


def _apart(what: str, wanted: Shares, got: Shares) -> Iterator[str]:
    """Where they differ; of failures not one may be other than foretold."""
    for key in sorted({*wanted, *got}):
        one, other = wanted.get(key, 0.0), got.get(key, 0.0)
        if abs(one - other) > (WITHIN if key[2] else 1e-9):
            yield f"{what}: {' '.join(key)}: foretold {one:.2f}, measured {other:.2f}"
