"""Small clusters by chance: nodes, services and ways that are both foretold and run."""

from __future__ import annotations

import random
from dataclasses import replace

from fairlead.core.ecs.model import (
    Constraint,
    ContainerDefinition,
    Definition,
    PortMapping,
    Strategy,
)
from fairlead.core.whatif.model import Kind, Model, Naming, Target, Wanted, Way, node

NAMES = ("catalog", "alerts", "search")
FIRST_PORT = 14081
_STRATEGIES = ((), (), (Strategy("binpack", "memory"),), (Strategy("spread", "instanceId"),))
_NAMINGS = (Naming.FIRST, Naming.TASKS, Naming.SERVING, Naming.FIXED)
_PERCENTS = ((100, 200), (100, 200), (50, 100), (0, 100), (50, 150))


def random_model(chance: random.Random, *, kept: bool = False) -> Model:
    """`kept`: fairlead's own proxies lead to what there is."""
    memory, cpu, enis = chance.randint(200, 700), chance.randint(512, 2048), chance.randint(2, 3)
    nodes = tuple(node(n, cpu, memory, enis) for n in range(1, chance.randint(1, 3) + 1))
    services = tuple(_service(chance, name, kept=kept) for name in NAMES[: chance.randint(1, 3)])
    ways = tuple(_way(chance, each, [n.arn for n in nodes], kept=kept) for each in services)
    return Model(nodes, services, ways, tuple(each.name for each in services))


def _service(chance: random.Random, name: str, *, kept: bool) -> Wanted:
    network = chance.choice(("bridge", "bridge", "bridge", "host", "awsvpc"))
    before, count = chance.randint(0, 2), chance.randint(1, 4)
    least, most = chance.choice(_PERCENTS)
    made = Wanted(
        name,
        _definition(chance, name, network),
        max(before, 1) if kept else before,
        count,
        False,
        False,
        chance.choice(((), (), (), (Constraint("distinctInstance"),))),
        chance.choice(_STRATEGIES),
        least,
        most,
    )
    return _daemon(made) if not kept and chance.random() < 0.12 else made


def _daemon(service: Wanted) -> Wanted:
    return replace(service, daemon=True, before=0, count=0, constraints=(), strategies=(),
                   minimum=0, maximum=100)  # fmt: skip


def _definition(chance: random.Random, name: str, network: str) -> Definition:
    port = FIRST_PORT + chance.randrange(3)
    outside = {"bridge": chance.choice((0, port, port)), "host": port, "awsvpc": 8080}[network]
    inside = port if network == "host" else 8080
    container = ContainerDefinition("app", ports=(PortMapping(inside, outside),))
    cpu, memory = chance.choice((0, 0, 128, 700)), chance.choice((32, 64, 128, 256))
    needs = (container,)
    return Definition(name, name, 1, network, needs, cpu, memory)


def _way(chance: random.Random, service: Wanted, nodes: list[str], *, kept: bool) -> Way:
    host = f"{service.name}.example.com"
    if kept:
        return Way(host, service.name, Naming.SERVING, (Target(Kind.KEPT),))
    (mapping,) = service.definition.containers[0].ports
    port = mapping.host if service.definition.network != "awsvpc" else FIRST_PORT
    named = tuple(chance.sample(nodes, chance.randint(1, len(nodes))))
    targets = _targets(chance, port or FIRST_PORT, nodes)
    return Way(host, service.name, chance.choice(_NAMINGS), targets, named)


def _targets(chance: random.Random, port: int, nodes: list[str]) -> tuple[Target, ...]:
    local = Target(Kind.LOCAL, port)
    some = tuple(Target(Kind.NODE, port, each) for each in nodes)
    second = Target(Kind.LOCAL, FIRST_PORT + chance.randrange(3))
    several = (local,) if second == local else (local, second)
    return chance.choice(((local,), (local,), some, several))
