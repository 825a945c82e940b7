"""The auto scaling group of the local ECS, as AWS's own tools see and move it."""

from __future__ import annotations

import asyncio

import pytest
from botocore.session import Session

from tests.ground import until
from tests.rehearsal.ground import Aws, aws_of, rehearsal, running

GROUP = "--auto-scaling-group-name web"


async def described(aws: Aws) -> dict[str, object]:
    found = await aws("aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names web")
    (group,) = found["AutoScalingGroups"]
    return dict(group)


async def test_it_grows_and_what_it_starts_takes_tasks() -> None:
    async with rehearsal(nodes=1, asg="web", asg_max=3, memory=200, processes=False) as ecs:
        aws = aws_of(ecs)
        before = await described(aws)
        assert (before["MinSize"], before["MaxSize"], before["DesiredCapacity"]) == (1, 3, 1)
        ecs.serve("app", ecs.define("app", "app", memory=128), 2)
        await running(ecs, 1)
        await aws(f"aws autoscaling set-desired-capacity {GROUP} --desired-capacity 2")
        found = await running(ecs, 2)
        assert len({task["containerInstanceArn"] for task in found}) == 2
        machines = {node.machine for node in ecs.cluster.instances.values()}
        group = await described(aws)
        assert {each["InstanceId"] for each in group["Instances"]} == machines
        assert {each["LifecycleState"] for each in group["Instances"]} == {"InService"}


async def test_a_terminated_one_has_its_tasks_stopped_and_is_gone() -> None:
    async with rehearsal(nodes=2, asg="web", memory=200, processes=False) as ecs:
        aws = aws_of(ecs)
        ecs.serve("app", ecs.define("app", "app", memory=128), 2)
        found = await running(ecs, 2)
        arn = found[0]["containerInstanceArn"]
        machine = ecs.cluster.instances[arn].machine
        command = "aws autoscaling terminate-instance-in-auto-scaling-group"
        told = await aws(f"{command} --instance-id {machine} --should-decrement-desired-capacity")
        assert told["Activity"]["AutoScalingGroupName"] == "web"
        await until(lambda: arn not in ecs.cluster.instances, "it is gone")
        (left,) = await running(ecs, 1)
        assert left["containerInstanceArn"] != arn
        ended = ecs.call("DescribeTasks", cluster="shop", tasks=[found[0]["taskArn"]])["tasks"][0]
        assert ended["stopCode"] == "TerminationNotice"
        assert (await described(aws))["DesiredCapacity"] == 1
        used = {node.address for node in ecs.cluster.instances.values()}
        await aws(f"aws autoscaling set-desired-capacity {GROUP} --desired-capacity 2")
        fresh = await until(lambda: list(ecs.cluster.instances.values())[1:], "another one")
        assert fresh[0].address not in used


async def test_one_that_is_terminated_without_a_decrement_is_replaced() -> None:
    async with rehearsal(nodes=1, asg="web", processes=False) as ecs:
        aws = aws_of(ecs)
        (old,) = ecs.cluster.instances.values()
        command = (
            f"aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {old.machine}"
        )
        await aws(f"{command} --no-should-decrement-desired-capacity")
        await until(
            lambda: [n.machine for n in ecs.cluster.instances.values()] not in ([], [old.machine]),
            "the other",
        )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (f"set-desired-capacity {GROUP} --desired-capacity 9", "above max value 2"),
        (f"set-desired-capacity {GROUP} --desired-capacity 0", "below min value 1"),
        (
            "set-desired-capacity --auto-scaling-group-name none --desired-capacity 1",
            "AutoScalingGroup name not found",
        ),
        (
            "terminate-instance-in-auto-scaling-group --instance-id i-0123456789abcdef0"
            " --should-decrement-desired-capacity",
            "No managed instance found",
        ),
        ("describe-account-limits", "does not know DescribeAccountLimits"),
    ],
)
async def test_what_the_api_refuses(command: str, told: str) -> None:
    async with rehearsal(nodes=1, asg="web", asg_max=2, processes=False) as ecs:
        with pytest.raises(AssertionError, match=told) as error:
            await aws_of(ecs)(f"aws autoscaling {command}")
        assert "ValidationError" in str(error.value)


async def test_the_last_one_is_not_terminated_with_a_decrement() -> None:
    async with rehearsal(nodes=1, asg="web", processes=False) as ecs:
        (node,) = ecs.cluster.instances.values()
        command = "aws autoscaling terminate-instance-in-auto-scaling-group"
        words = f"{command} --instance-id {node.machine} --should-decrement-desired-capacity"
        with pytest.raises(AssertionError, match="desiredSize equals minSize"):
            await aws_of(ecs)(words)


async def test_policies_and_capacity_providers_are_told() -> None:
    async with rehearsal(nodes=1, asg="web", processes=False) as ecs:
        aws = aws_of(ecs)
        policy = {"AutoScalingGroupName": "web", "PolicyName": "cpu", "Enabled": True}
        ecs.group.policies.append(policy)
        assert (await aws("aws autoscaling describe-policies"))["ScalingPolicies"] == [policy]
        provider = {"autoScalingGroupArn": (await described(aws))["AutoScalingGroupARN"]}
        assert not (await aws("aws ecs describe-capacity-providers"))["capacityProviders"]
        ecs.ledger.providers["web"] = {"name": "web", "autoScalingGroupProvider": provider}
        found = await aws("aws ecs describe-capacity-providers")
        assert found["capacityProviders"][0]["autoScalingGroupProvider"] == provider


async def test_without_a_group_that_is_said() -> None:
    async with rehearsal(nodes=1, processes=False) as ecs:
        client = Session().create_client(
            "autoscaling",
            region_name="us-east-1",
            endpoint_url=ecs.url,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        with pytest.raises(client.exceptions.ClientError, match="without an auto scaling group"):
            await asyncio.to_thread(client.describe_auto_scaling_groups)
        client.close()
