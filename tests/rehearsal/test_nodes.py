from __future__ import annotations

from typing import Any

from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.rehearsal.ground import SERVER, rehearsal, running, service, tasks


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
