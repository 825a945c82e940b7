from __future__ import annotations

from typing import Any

import pytest

from fairlead.rehearsal.faults import Refusal
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.rehearsal.ground import SERVER, rehearsal, running, service, task, tasks


def where(ecs: Rehearsal) -> set[str]:
    return {t["containerInstanceArn"] for t in tasks(ecs)}


def drain(ecs: Rehearsal, node: str, status: str = "DRAINING") -> dict[str, Any]:
    return ecs.call(
        "UpdateContainerInstancesState",
        cluster="shop", containerInstances=[node], status=status,
    )  # fmt: skip


async def test_a_draining_node_loses_its_tasks_and_none_is_missed() -> None:
    async with rehearsal(nodes=2, pull=0.1) as ecs:
        ecs.serve("web", ecs.define("web", *SERVER, memory=50), 4)
        await running(ecs, 4)
        first, second = ecs.cluster.instances
        least = []
        ecs.subscribe(lambda _: least.append(service(ecs, "web")["runningCount"]))
        answer = drain(ecs, first)
        assert answer["containerInstances"][0]["status"] == "DRAINING"
        await until(lambda: where(ecs) == {second})
        await running(ecs, 4)
        assert min(least) >= 4
        listed = ecs.call("ListContainerInstances", cluster="shop", status="DRAINING")
        assert listed["containerInstanceArns"] == [first]
        drain(ecs, first, "ACTIVE")
        ecs.call("UpdateService", cluster="shop", service="web", desiredCount=8)
        await running(ecs, 8)
        assert where(ecs) == {first, second}


@pytest.mark.parametrize(
    ("minimum", "maximum", "least", "most"), [(50, 100, 2, 4), (100, 150, 4, 6)]
)
async def test_a_draining_node_is_left_within_the_percents(
    minimum: int, maximum: int, least: int, most: int
) -> None:
    percents = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    async with rehearsal(nodes=2, pull=0.1) as ecs:
        ecs.serve("web", ecs.define("web", *SERVER, memory=50), 4, deploymentConfiguration=percents)
        await running(ecs, 4)
        counts: list[tuple[int, int]] = []

        def count(_: dict[str, Any]) -> None:
            there = [t for t in ecs.cluster.tasks.values() if t.desired == "RUNNING"]
            counts.append((sum(t.is_up for t in there), len(there)))

        ecs.subscribe(count)
        first, second = ecs.cluster.instances
        drain(ecs, first)
        await until(lambda: where(ecs) == {second})
        await running(ecs, 4)
        assert min(up for up, _ in counts) >= least
        assert max(there for _, there in counts) <= most


async def test_draining_stops_pending_tasks_of_services_and_leaves_tasks_of_none() -> None:
    async with rehearsal(nodes=1, processes=False, pull=30) as ecs:
        ecs.serve("web", ecs.define("web", "x", memory=50))
        (pending,) = await until(lambda: tasks(ecs))
        ecs.define("alone", "x", memory=50)
        (alone,) = ecs.call("RunTask", cluster="shop", taskDefinition="alone")["tasks"]
        (node,) = ecs.cluster.instances
        drain(ecs, node)
        await until(lambda: task(ecs, pending["taskArn"])["lastStatus"] == "STOPPED")
        assert [t["taskArn"] for t in tasks(ecs)] == [alone["taskArn"]]
        with pytest.raises(Refusal, match=r"No Container Instances were found in your cluster\."):
            ecs.call("RunTask", cluster="shop", taskDefinition="alone")


async def test_a_daemon_runs_once_on_each_node_and_leaves_a_draining_one_last() -> None:
    async with rehearsal(nodes=2, processes=False) as ecs:
        ecs.serve("agent", ecs.define("agent", "x", memory=50), schedulingStrategy="DAEMON")
        ecs.serve("web", ecs.define("web", "x", memory=50), 2)
        await running(ecs, 2, serviceName="agent")
        await running(ecs, 2, serviceName="web")
        assert service(ecs, "agent")["desiredCount"] == 2
        ecs.add_node()
        found = await running(ecs, 3, serviceName="agent")
        assert len({t["containerInstanceArn"] for t in found}) == 3
        order: list[str] = []
        ecs.subscribe(
            lambda event: (
                order.append(event["detail"]["group"])
                if event["detail"].get("lastStatus") == "STOPPED"
                else None
            )
        )
        node = next(t["containerInstanceArn"] for t in tasks(ecs, serviceName="web"))
        drain(ecs, node)
        await until(lambda: node not in where(ecs))
        await until(lambda: len(order) == 2)
        assert order == ["service:web", "service:agent"]


async def test_attributes_and_tags_are_kept_and_constrain() -> None:
    async with rehearsal(nodes=2, processes=False) as ecs:
        _, second = ecs.cluster.instances
        put = [{"name": "disk", "value": "ssd", "targetId": second}]
        ecs.call("PutAttributes", cluster="shop", attributes=put)
        only = [{"type": "memberOf", "expression": "attribute:disk == ssd"}]
        ecs.serve("web", ecs.define("web", "x"), 3, placementConstraints=only)
        found = await running(ecs, 3)
        assert where(ecs) == {second}
        arn = found[0]["taskArn"]
        tag = {"key": "fairlead:drain", "value": "1"}
        ecs.call("TagResource", resourceArn=arn, tags=[tag])
        described = ecs.call("DescribeTasks", cluster="shop", tasks=[arn], include=["TAGS"])
        assert described["tasks"][0]["tags"] == [tag]
        assert ecs.call("ListTagsForResource", resourceArn=arn)["tags"] == [tag]
        ecs.call("UntagResource", resourceArn=arn, tagKeys=["fairlead:drain"])
        assert ecs.call("ListTagsForResource", resourceArn=arn)["tags"] == []
