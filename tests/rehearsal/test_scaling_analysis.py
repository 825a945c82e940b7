"""The case that started it all: a second copy of a service on a fixed host port, by the AWS CLI."""

from __future__ import annotations

import pytest

from tests.ground import until
from tests.rehearsal import ground
from tests.rehearsal.ground import SERVER, address, answers, aws_of, rehearsal, running

pytestmark = pytest.mark.integration

SCALE = """aws ecs update-service \\
  --cluster shop-ecs \\
  --service shop-catalog \\
  --desired-count 2"""
LIST = """aws ecs list-tasks \\
  --cluster shop-ecs \\
  --service-name shop-catalog"""
UNABLE = (
    "(service shop-catalog) was unable to place a task because no container instance met all of its"
    " requirements. The closest matching (container-instance {}) is already using a port required"
    " by your task. For more information, see the Troubleshooting section of the Amazon ECS"
    " Developer Guide."
)


async def test_a_fixed_port_on_one_node_leaves_the_second_task_without_a_place() -> None:
    async with rehearsal(nodes=1, cluster="shop-ecs") as ecs:
        aws = aws_of(ecs)
        ecs.serve("shop-catalog", ecs.define("catalog", *SERVER, host_port=8083))
        await running(ecs, 1)
        told = (await aws(SCALE))["service"]
        assert (told["desiredCount"], told["runningCount"]) == (2, 1)
        (node,) = ecs.cluster.instances.values()
        await until(lambda: UNABLE.format(node.id) in ground.messages(ecs, "shop-catalog"))
        assert len((await aws(LIST))["taskArns"]) == 1
        asked = "aws ecs describe-services --cluster shop-ecs --services shop-catalog"
        (seen,) = (await aws(asked))["services"]
        assert (seen["desiredCount"], seen["runningCount"], seen["pendingCount"]) == (2, 1, 0)
        assert UNABLE.format(node.id) in [event["message"] for event in seen["events"]]


async def test_a_fixed_port_on_two_nodes_lets_both_run() -> None:
    async with rehearsal(nodes=2, cluster="shop-ecs") as ecs:
        aws = aws_of(ecs)
        ecs.serve("shop-catalog", ecs.define("catalog", *SERVER, host_port=8083))
        await running(ecs, 1)
        await aws(SCALE)
        found = await running(ecs, 2)
        assert sorted((await aws(LIST))["taskArns"]) == sorted(t["taskArn"] for t in found)
        places = {address(task, ecs) for task in found}
        assert {port for _, port in places} == {8083}
        assert len(places) == 2
        for place in places:
            await until(lambda place=place: answers(place), f"{place} answers")


async def test_dynamic_ports_let_both_run_on_one_node() -> None:
    async with rehearsal(nodes=1, cluster="shop-ecs") as ecs:
        aws = aws_of(ecs)
        ecs.serve("shop-catalog", ecs.define("catalog", *SERVER, host_port=0))
        await running(ecs, 1)
        await aws(SCALE)
        places = {address(task, ecs) for task in await running(ecs, 2)}
        assert len({port for _, port in places}) == 2
        assert all(32768 <= port <= 60999 for _, port in places)
        assert len((await aws(LIST))["taskArns"]) == 2
        for place in places:
            await until(lambda place=place: answers(place), f"{place} answers")


async def test_the_cli_goes_the_whole_way_of_a_service() -> None:
    async with rehearsal(nodes=1) as ecs:
        aws = aws_of(ecs)
        await aws("aws ecs create-cluster --cluster-name other")
        assert len((await aws("aws ecs list-clusters --page-size 1"))["clusterArns"]) == 2
        ecs.define("web", *SERVER)
        await aws(
            "aws ecs create-service --cluster shop --service-name web --task-definition web"
            " --desired-count 1"
        )
        await aws("aws ecs wait services-stable --cluster shop --services web")
        (arn,) = (await aws("aws ecs list-tasks --cluster shop"))["taskArns"]
        (node,) = (await aws("aws ecs list-container-instances --cluster shop"))[
            "containerInstanceArns"
        ]
        shown = await aws(
            f"aws ecs describe-container-instances --cluster shop --container-instances {node}"
        )
        assert shown["containerInstances"][0]["runningTasksCount"] == 1
        machine = shown["containerInstances"][0]["ec2InstanceId"]
        (found,) = (await aws(f"aws ec2 describe-instances --instance-ids {machine}"))[
            "Reservations"
        ]
        assert found["Instances"][0]["PrivateIpAddress"] == ecs.cluster.instances[node].address
        await aws(f"aws ecs stop-task --cluster shop --task {arn} --reason enough")
        gone = await ground.stopped(ecs, arn)
        assert (gone["stopCode"], gone["stoppedReason"]) == ("UserInitiated", "enough")
        await aws("aws ecs delete-service --cluster shop --service web --force")
        await aws("aws ecs wait services-inactive --cluster shop --services web")
