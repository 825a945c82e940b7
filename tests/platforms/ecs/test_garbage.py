"""Answers that lack things, hold unknown words or absurd numbers: made from botocore's shapes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.aws.api import ECS
from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from fairlead.core.model import Phase
from fairlead.platforms.ecs.counts import read_count
from fairlead.platforms.ecs.definitions import read_definition
from fairlead.platforms.ecs.discovery import discover
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.nodes import read_instance, read_machines
from fairlead.platforms.ecs.poller import Poller, Wishes
from fairlead.platforms.ecs.reader import Reader
from fairlead.platforms.ecs.sighting import sight
from fairlead.platforms.ecs.tasks import read_task
from tests.platforms.ecs.fake import CLUSTER, FakeEcs, model
from tests.platforms.ecs.ground import service

ABSURD = st.sampled_from([-1, 0, 1, 65535, 65536, 2**31, 2**53, 2**63, 10**30])
WRONG = st.none() | st.booleans() | ABSURD | st.text(max_size=8) | st.just([]) | st.just({})


def of_shape(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of the shape, mostly: any member may be missing, any word unknown."""
    if depth > 5:
        return st.none()
    if shape.type_name == "structure":
        members = {key: of_shape(inner, depth + 1) for key, inner in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)
    if shape.type_name == "list":
        return st.lists(of_shape(shape.member, depth + 1), max_size=2)
    if shape.type_name == "map":
        return st.dictionaries(st.text(max_size=8), of_shape(shape.value, depth + 1), max_size=2)
    return _scalar(shape)


def _scalar(shape: Any) -> st.SearchStrategy[Any]:
    words = st.text(max_size=12) | st.sampled_from(["RUNNING", "STOPPED", "NEVER_HEARD_OF"])
    kinds = {
        "string": words | st.sampled_from(shape.enum) if getattr(shape, "enum", None) else words,
        "integer": ABSURD,
        "long": ABSURD,
        "boolean": st.booleans(),
        "timestamp": st.datetimes(timezones=st.just(UTC)),
        "double": st.floats(),
        "float": st.floats(),
    }
    return st.one_of(kinds[shape.type_name], kinds[shape.type_name], WRONG)


def shape_of(name: str, service_name: str = "ecs") -> Any:
    return model(service_name).shape_for(name)


@settings(max_examples=50, deadline=None)
@given(of_shape(shape_of("Task")))
def test_no_task_makes_the_reading_fail(raw: dict[str, Any]) -> None:
    found = read_task(raw)
    assert (found is None) == (not isinstance(raw.get("taskArn"), str) or not raw["taskArn"])
    if found:
        assert found.phase in Phase
        assert all(0 < b.inside < 65536 and 0 < b.outside < 65536 for b in found.bindings)


@settings(max_examples=25, deadline=None)
@given(
    of_shape(shape_of("TaskDefinition")),
    of_shape(shape_of("Service")),
    of_shape(shape_of("ContainerInstance")),
)
def test_nothing_else_makes_it_fail(
    definition: dict[str, Any], counted: dict[str, Any], instance: dict[str, Any]
) -> None:
    read_instance(instance)
    found, count = read_definition(definition), read_count(counted)
    if found and count:
        services = discover([count], {count.definition: found}).services
        assert all(s.orchestrated and not s.fixed for s in services.values())


@given(of_shape(shape_of("DescribeInstancesResult", "ec2").members["Reservations"].member))
@settings(max_examples=20, deadline=None)
def test_no_machine_makes_it_fail(reservation: dict[str, Any]) -> None:
    assert all(a.private for _, a in read_machines({"Reservations": [reservation]}))


ANSWERS = {name: model("ecs").operation_model(name).output_shape for name in ECS}
READS = [name for name in ECS if name.startswith(("List", "Describe"))]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_reader_raises_nothing_but_its_own_error(data: st.DataObject) -> None:
    async def call(action: str, /, **_: Any) -> Any:
        name = action.partition(":")[2]
        shape = ANSWERS.get(name) or shape_of("DescribeInstancesResult", "ec2")
        return data.draw(of_shape(shape) if name in READS else st.just({}))

    async def read_all() -> None:
        reader = Reader(call, CLUSTER)
        for read in (
            reader.list_tasks,
            reader.list_services,
            lambda: reader.tasks(["a", "b"]),
            lambda: reader.definition("td"),
            reader.instances,
            lambda: reader.counts(["catalog"]),
        ):
            try:
                await read()
            except PlatformError:
                continue

    asyncio.run(read_all())


class Spoiled:
    """The fake's answers, in which values are dropped or replaced; life and death are left alone:
    an answer that says of a task that it has stopped is to be believed."""

    KEPT = ("lastStatus", "desiredStatus", "stoppedReason")

    def __init__(self, ecs: FakeEcs, spoil: Callable[[Any], Any]) -> None:
        self.ecs, self.spoil, self.on = ecs, spoil, False

    async def __call__(self, action: str, /, **given: Any) -> Any:
        owner, _, name = action.partition(":")
        answer = deepcopy(self.ecs.invoke(owner, name, given))
        return self._spoiled(answer) if self.on else answer

    def _spoiled(self, value: Any) -> Any:
        if isinstance(value, dict):
            found = {}
            for key, inner in value.items():
                kept = key in self.KEPT
                what = inner if kept else self.spoil(inner)
                if what is not Spoiled:
                    found[key] = self._spoiled(what)
            return found
        return [self._spoiled(inner) for inner in value] if isinstance(value, list) else value


GARBAGE = (None, True, -1, 0, 1, 65535, 2**31, 2**53, 2**63, 10**30, "", "x", [], {}, [1], {"": 1})


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([3, 10, 40]))
def test_garbage_never_empties_a_service(seed: int, seldom: int) -> None:
    """By a seed, and not by draws of hypothesis: an answer has hundreds of values."""
    ecs, dice = FakeEcs(), Random(seed)
    ecs.add("catalog", 3)

    def spoil(value: Any) -> Any:
        fate = dice.randrange(2 * seldom)
        if fate == 0:
            return Spoiled
        return dice.choice((*GARBAGE, datetime.now(UTC))) if fate == 1 else value

    async def live() -> None:
        call = Spoiled(ecs, spoil)
        memory, wishes = Memory(), Wishes(asked={"catalog"})
        poller = Poller(Reader(call, CLUSTER), memory, wishes, SystemClock())
        assert await poller.turn() is None
        before = {e for e in sight(memory, service()).endpoints if e.phase is Phase.RUNNING}
        assert len(before) == 3
        call.on = True
        for _ in range(3):
            poller.poke(["catalog"], nodes=True)
            await poller.turn()
            told = sight(memory, service())
            after = {(e.id, e.address, e.port) for e in told.endpoints if e.phase is Phase.RUNNING}
            lost = {(e.id, e.address, e.port) for e in before} - after
            assert not lost or not told.complete, (lost, told)
            assert all(e.phase is Phase.RUNNING for e in told.endpoints), told
        call.on = False
        poller.poke(["catalog"], nodes=True)
        assert await poller.turn() is None
        assert {e for e in sight(memory, service()).endpoints if e.id in {b.id for b in before}}

    asyncio.run(live())
