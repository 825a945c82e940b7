"""Where tasks listen, in each network mode, and what is joined of two readings."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.core.errors import PlatformError
from fairlead.core.model import Container, Phase
from fairlead.platforms.ecs.definitions import Definition, entrance, place, read_definition
from fairlead.platforms.ecs.nodes import read_instance
from fairlead.platforms.ecs.tasks import Task, joined, read_task

NODE = "10.0.0.5"
ARN = "arn:aws:ecs:eu-west-1:1:task/shop/0123456789abcdef"


def task(**more: Any) -> Task:
    base = {"taskArn": ARN, "lastStatus": "RUNNING", "desiredStatus": "RUNNING"}
    found = read_task({**base, "group": "service:catalog", **more})
    assert found
    return found


def definition(*containers: dict[str, Any], mode: str = "bridge") -> Definition:
    raw = {"taskDefinitionArn": "td/catalog:3", "networkMode": mode}
    found = read_definition({**raw, "containerDefinitions": list(containers)})
    assert found
    return found


def box(name: str, *ports: int, host: int = 0, protocol: str = "tcp") -> dict[str, Any]:
    mapped = [{"containerPort": p, "hostPort": host, "protocol": protocol} for p in ports]
    return {"name": name, "portMappings": mapped}


def bound(name: str, inside: int, outside: int, ip: str = "0.0.0.0") -> dict[str, Any]:
    return {"bindIP": ip, "containerPort": inside, "hostPort": outside, "protocol": "tcp"}


def containers(name: str, *bindings: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "networkBindings": list(bindings)}]


def test_bridge_dynamic_and_fixed() -> None:
    found = task(containers=containers("app", bound("app", 8080, 32771)))
    assert place(found, definition(box("app", 8080)), ("app", 8080), NODE) == (NODE, 32771)
    fixed = task(containers=containers("app", bound("app", 8080, 8083)))
    assert place(fixed, definition(box("app", 8080)), ("app", 8080), NODE) == (NODE, 8083)


def test_bridge_without_a_binding_has_no_place_not_even_a_fixed_one() -> None:
    assert place(task(), definition(box("app", 8080, host=8083)), ("app", 8080), NODE) is None


def test_a_port_that_is_listed_for_ipv6_too_is_taken_once() -> None:
    both = bound("app", 8080, 32772, "::"), bound("app", 8080, 32771)
    found = task(containers=containers("app", *both))
    assert place(found, definition(box("app", 8080)), ("app", 8080), NODE) == (NODE, 32771)


def test_the_bindings_of_other_containers_and_of_udp_are_not_taken() -> None:
    udp = bound("app", 8080, 40000) | {"protocol": "udp"}
    found = task(
        containers=[*containers("app", udp), *containers("metrics", bound("metrics", 8080, 40001))]
    )
    assert place(found, definition(box("app", 8080)), ("app", 8080), NODE) is None


@pytest.mark.parametrize("where", ["attachment", "interface"])
def test_awsvpc(where: str) -> None:
    detail = {"name": "privateIPv4Address", "value": "10.0.1.9"}
    attachments = [
        {"type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [detail]},
        {"type": "Service Connect", "status": "ATTACHED", "details": [{"name": "x", "value": "y"}]},
    ]
    interfaces = [{"name": "app", "networkInterfaces": [{"privateIpv4Address": "10.0.1.9"}]}]
    own = {"attachments": attachments} if where == "attachment" else {"containers": interfaces}
    made = definition(box("app", 8080, host=8080), mode="awsvpc")
    assert place(task(**own), made, ("app", 8080), "") == ("10.0.1.9", 8080)
    assert place(task(), made, ("app", 8080), "") is None


def test_awsvpc_that_is_not_attached_yet_has_no_place() -> None:
    detail = {"name": "privateIPv4Address", "value": "10.0.1.9"}
    found = task(attachments=[{"status": "PRECREATED", "details": [detail]}])
    made = definition(box("app", 8080), mode="awsvpc")
    assert place(found, made, ("app", 8080), "") is None


def test_host_mode_is_the_containers_port_on_the_node() -> None:
    made = definition(box("app", 8080), mode="host")
    assert place(task(), made, ("app", 8080), NODE) == (NODE, 8080)


def test_mode_none_has_no_place() -> None:
    assert place(task(), definition(box("app", 8080), mode="none"), ("app", 8080), NODE) is None


@pytest.mark.parametrize(
    ("boxes", "wanted", "door"),
    [
        ([box("app", 8080)], Container(), ("app", 8080)),
        ([box("app", 8080), box("hook")], Container(), ("app", 8080)),
        ([box("app", 8080, 9090)], Container(port=9090), ("app", 9090)),
        ([box("app", 8080), box("admin", 9090)], Container(name="admin"), ("admin", 9090)),
        ([box("app", 8080), box("admin", 9090)], Container(port=9090), ("admin", 9090)),
        ([box("app", 53, protocol="udp"), box("web", 80)], Container(), ("web", 80)),
    ],
)
def test_the_entrance(
    boxes: list[dict[str, Any]], wanted: Container, door: tuple[str, int]
) -> None:
    assert entrance(definition(*boxes), wanted) == door


@pytest.mark.parametrize(
    ("boxes", "wanted", "told"),
    [
        ([box("app", 8080), box("admin", 9090)], Container(), "app, admin.*`container`"),
        ([box("app", 8080, 9090)], Container(), "8080, 9090.*`port`"),
        ([box("app", 8080)], Container(port=1), "no port 1 .*8080"),
        ([box("app")], Container(), "portMappings"),
        ([box("app", 8080)], Container(name="web"), "no container web"),
        ([], Container(), "portMappings"),
    ],
)
def test_an_entrance_that_is_not_clear_is_told(
    boxes: list[dict[str, Any]], wanted: Container, told: str
) -> None:
    with pytest.raises(PlatformError, match=told):
        entrance(definition(*boxes), wanted)


def test_in_awsvpc_a_port_needs_no_mapping() -> None:
    made = definition(box("app"), mode="awsvpc")
    assert entrance(made, Container(port=8080)) == ("app", 8080)


@pytest.mark.parametrize(
    ("last", "desired", "phase"),
    [
        ("PROVISIONING", "RUNNING", Phase.PENDING),
        ("PENDING", "RUNNING", Phase.PENDING),
        ("ACTIVATING", "RUNNING", Phase.PENDING),
        ("RUNNING", "RUNNING", Phase.RUNNING),
        ("RUNNING", "STOPPED", Phase.STOPPING),
        ("PENDING", "STOPPED", Phase.STOPPING),
        ("DEACTIVATING", "RUNNING", Phase.STOPPING),
        ("DEPROVISIONING", "STOPPED", Phase.STOPPING),
        ("STOPPED", "STOPPED", Phase.EXITED),
        ("HIBERNATING", "RUNNING", Phase.PENDING),
        ("RUNNING", "PAUSED", Phase.RUNNING),
    ],
)
def test_phases(last: str, desired: str, phase: Phase) -> None:
    assert task(lastStatus=last, desiredStatus=desired).phase is phase


def test_why_a_task_stopped() -> None:
    found = task(
        stoppedReason="Essential container in task exited",
        containers=[{"name": "app", "exitCode": 137}, {"name": "hook", "exitCode": 0}],
    )
    assert found.reason == "Essential container in task exited; app exited with 137"


def test_a_later_reading_that_lacks_things_takes_nothing_back() -> None:
    whole = task(
        containers=containers("app", bound("app", 8080, 32771)),
        tags=[{"key": "fairlead:drain", "value": "scale to 1"}],
        version=4,
        containerInstanceArn="ci",
        taskDefinitionArn="td",
    )
    bare = read_task({"taskArn": ARN})
    assert bare
    assert joined(whole, bare) == whole
    ended = task(lastStatus="STOPPED", desiredStatus="STOPPED")
    assert joined(ended, whole).phase is Phase.EXITED


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        ({"status": "ACTIVE", "agentConnected": True}, "ready"),
        ({"status": "DRAINING", "agentConnected": True}, "draining"),
        ({"status": "ACTIVE", "agentConnected": False}, "away"),
        ({"status": "INACTIVE"}, "away"),
        ({"status": "NEVER_HEARD_OF"}, "ready"),
        ({}, "ready"),
    ],
)
def test_states_of_nodes(raw: dict[str, Any], state: str) -> None:
    found = read_instance({"containerInstanceArn": "ci/1", **raw})
    assert found
    assert found.state == state
    assert found.node == "1"
