"""Whatever is asked within the model's shapes is answered within them, or refused by name."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from fairlead.rehearsal.faults import Refusal
from fairlead.rehearsal.operations.table import OPERATIONS
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.rehearsal.ground import rehearsal
from tests.rehearsal.test_protocol import PROTOCOL

WORDS = ("shop", "web", "web:1", "default", "app", "", "attribute:a == b", "CMD", "ACTIVE",
         "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "arn:x", "8080")  # fmt: skip
DEEPEST = 4
INPUTS = {name: PROTOCOL._model.operation_model(name).input_shape for name in OPERATIONS}


def values(shape: Any, depth: int = 0) -> some.SearchStrategy[Any]:
    kind = shape.type_name
    if kind == "string":
        return some.sampled_from(shape.enum or WORDS)
    if kind == "boolean":
        return some.booleans()
    if kind in ("integer", "long", "double", "float", "timestamp"):
        return some.sampled_from((0, 1, 2, 100, -1, 8080, 2**31 - 1))
    if kind == "list":
        return some.lists(values(shape.member, depth + 1), max_size=2)
    if kind == "map":
        return some.dictionaries(some.sampled_from(WORDS), values(shape.value, depth + 1))
    return structures(shape, depth)


def structures(shape: Any, depth: int) -> some.SearchStrategy[dict[str, Any]]:
    members = {
        name: some.deferred(lambda each=each: values(each, depth + 1))
        for name, each in shape.members.items()
        if depth < DEEPEST or name in shape.required_members
    }
    needed = {name: members.pop(name) for name in shape.required_members}
    if not members:
        return some.fixed_dictionaries(needed)
    names = some.lists(some.sampled_from(sorted(members)), max_size=5, unique=True)
    optional = names.flatmap(
        lambda chosen: some.fixed_dictionaries({n: members[n] for n in chosen})
    )
    return some.builds(lambda a, b: {**a, **b}, some.fixed_dictionaries(needed), optional)


REQUESTS = some.lists(
    some.sampled_from(sorted(OPERATIONS)).flatmap(
        lambda name: some.tuples(some.just(name), values(INPUTS[name]))
    ),
    min_size=1, max_size=8,
)  # fmt: skip


def steered(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """So that it gets beyond the first check: of things that are there, with nothing unknown."""
    aims = {"cluster": "shop", "service": "web", "taskDefinition": "web", "status": "DRAINING"}
    aims |= {"resourceArn": WORDS[9], "expiresInMinutes": 5, "maxResults": 1, "count": 2}
    known = {key: aims[key] for key in aims if key in INPUTS[name].members and key != "count"}
    request = {**request, **known}
    for each in request.get("containerDefinitions", ()):
        each |= {"name": "app", "memory": 8, "essential": True}
        each.pop("dependsOn", None)
    return {key: value for key, value in request.items() if key != "nextToken"}


async def ask(ecs: Rehearsal, name: str, request: Any) -> None:
    try:
        read = PROTOCOL.read(name, json.dumps(request).encode())
        PROTOCOL.write(name, OPERATIONS[name](ecs.plane, read))
    except Refusal as refusal:
        PROTOCOL.check_error(refusal.code)
        unknown = refusal.message.partition("`")[2].partition("`")[0]
        if refusal.code == "UnsupportedFeatureException" and unknown in request:
            await ask(ecs, name, {k: v for k, v in request.items() if k != unknown})
    await asyncio.sleep(0)


async def ask_all(requests: list[tuple[str, Any]]) -> None:
    async with rehearsal(nodes=2, processes=False) as ecs:
        ecs.serve("web", ecs.define("web", "x"), 2)
        await asyncio.sleep(0)
        for name, request in requests:
            await ask(ecs, name, request)
            await ask(ecs, name, steered(name, request))
        for _ in range(3):
            await asyncio.sleep(0)
        with suppress(Refusal):
            PROTOCOL.write("ListTasks", ecs.call("ListTasks", cluster="shop"))


@settings(
    max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(REQUESTS)
def test_nothing_breaks_it(requests: list[tuple[str, Any]]) -> None:
    asyncio.run(ask_all(requests))
