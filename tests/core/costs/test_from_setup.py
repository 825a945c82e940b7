"""What of a set-up fills in usage, and what does not."""

from __future__ import annotations

from dataclasses import replace

from fairlead.core.costs.from_setup import Known, cpu_of, known, memory_of
from fairlead.core.setup import (
    At,
    Container,
    Fact,
    NodeGroup,
    ServiceSetup,
    Setup,
    TaskDefinition,
)

APP = Container("app", memory=Fact(384), cpu=Fact(128))
TASK = TaskDefinition("t", "catalog", containers=(APP,))
SERVICE = ServiceSetup("catalog", task="t", desired=Fact(1), at=At("main.tf", 12))
NODES = NodeGroup("n", instance_type=Fact("t3.small"), desired=Fact(2), at=At("main.tf", 3))
SETUP = Setup(tasks=(TASK,), services=(SERVICE,), nodes=(NODES,))


def test_what_the_files_say_is_taken_and_told() -> None:
    found = known(SETUP)
    assert replace(found, told=()) == Known("t3.small", 1, 1, 128, 384, 2, service="catalog")
    assert "1 service (main.tf:12)" in found.told
    assert "nodes of t3.small (main.tf:3)" in found.told


def test_nothing_said_is_nothing_known() -> None:
    assert known(Setup()) == Known(
        told=("not told, or not to be resolved: type, services, copies, memory, nodes",)
    )


def test_daemons_are_no_services() -> None:
    agent = replace(SERVICE, name="agent", daemon=True)
    assert known(replace(SETUP, services=(SERVICE, agent))).services == 1


def test_nodes_of_two_types_have_none() -> None:
    other = replace(NODES, instance_type=Fact("t3.large"), desired=Fact(3))
    found = known(replace(SETUP, nodes=(NODES, other)))
    assert (found.type, found.nodes) == (None, 5)


def test_unknown_types_are_not_guessed() -> None:
    unknown = replace(NODES, instance_type=Fact(unknown="var.type has no default"))
    assert known(replace(SETUP, nodes=(unknown,))).type is None


def test_a_reservation_is_what_is_set_aside() -> None:
    soft = replace(APP, reservation=Fact(128))
    assert memory_of(replace(TASK, containers=(soft, APP))) == 128 + 384
    assert memory_of(replace(TASK, memory=Fact(1024))) == 1024
    assert cpu_of(replace(TASK, cpu=Fact(512))) == 512


def test_a_task_with_an_unknown_container_has_no_size() -> None:
    unknown = replace(APP, memory=Fact(unknown="why"))
    assert memory_of(replace(TASK, containers=(APP, unknown))) is None
    assert memory_of(replace(TASK, containers=(APP,), whole=False)) is None
    unsure = replace(APP, reservation=Fact(unknown="why"))
    assert memory_of(replace(TASK, containers=(unsure,))) is None
    assert memory_of(replace(TASK, containers=())) is None
