"""Our small models and session, held against botocore's own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel

from fairlead.aws.api import CLOUDWATCH, EC2, ECS, service_model
from fairlead.aws.autoscaling import AUTOSCALING
from fairlead.aws.client import Aws
from fairlead.aws.session import Account, Clients, _config, _session
from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from tests.ground import until
from tests.platforms.ecs.fake import model
from tests.rehearsal.ground import rehearsal

ALL = [
    (service, name)
    for service, operations in (
        ("autoscaling", AUTOSCALING),
        ("cloudwatch", CLOUDWATCH),
        ("ec2", EC2),
        ("ecs", ECS),
    )
    for name in operations
]


@pytest.mark.parametrize(("service", "name"), ALL)
def test_every_member_is_as_in_the_api(service: str, name: str) -> None:
    small = ServiceModel(service_model(service), service).operation_model(name)
    whole = model(service).operation_model(name)
    assert small.http == whole.http
    assert_same(small.input_shape, whole.input_shape)
    if small.output_shape and small.output_shape.members:
        assert_same(small.output_shape, whole.output_shape)
        wrapper = small.output_shape.serialization.get("resultWrapper")
        assert wrapper in (None, whole.output_shape.serialization.get("resultWrapper"))


def assert_same(small: Any, whole: Any) -> None:
    assert small.type_name == whole.type_name
    if small.type_name == "structure":
        for key, member in small.members.items():
            theirs = whole.members[key]
            assert member.serialization.get("name") == theirs.serialization.get("name")
            assert_same(member, theirs)
    elif small.type_name == "list":
        own, theirs = (each.member.serialization.get("name", "member") for each in (small, whole))
        assert own == theirs or own == "item"
        assert_same(small.member, whole.member)
    elif small.type_name == "map":
        assert_same(small.value, whole.value)


@pytest.mark.parametrize("service", ["autoscaling", "ecs", "ec2", "cloudwatch"])
def test_the_facts_of_the_service_are_the_apis(service: str) -> None:
    whole = model(service).metadata
    small = ServiceModel(service_model(service), service).metadata
    for fact in set(small) - {"auth", "protocol"}:
        assert small[fact] == whole[fact]
    assert small["protocol"] in whole.get("protocols", [whole["protocol"]])


@pytest.mark.parametrize(
    "region", ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "xx-new-9"]
)
@pytest.mark.parametrize("service", ["autoscaling", "ecs", "ec2", "cloudwatch", "sqs", "sts"])
def test_the_small_session_goes_where_the_whole_one_goes(
    region: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    small = _session(Account(region)).create_client(service, config=_config(service))
    whole = botocore.session.Session().create_client(service, region_name=region)
    assert small.meta.endpoint_url == whole.meta.endpoint_url
    assert small.meta.region_name == whole.meta.region_name
    assert small._request_signer._signing_name == whole._request_signer._signing_name
    small.close()
    whole.close()


def test_it_costs_little_memory_and_nothing_before_it_is_used() -> None:
    """With the whole models the same costs some 43 MiB."""
    code = """
import os, sys
os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_DEFAULT_REGION="x-y-1")
import asyncio, ssl
def rss():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
import fairlead.platforms.ecs.platform
print("botocore" in sys.modules or "boto3" in sys.modules)
before = rss()
from fairlead.aws.session import Account, Clients
clients = Clients(Account())
for service in ("ecs", "ec2", "sqs"): clients.get(service)
print(rss() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, cost = done.stdout.split()
    assert imported == "False"
    assert float(cost) < 22


async def test_our_model_of_auto_scaling_moves_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model's own requests and answers, over the wire, to a server that botocore's whole
    model has checked."""
    async with rehearsal(nodes=1, asg="web", processes=False) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        aws = Aws(lambda: Clients(Account()), SystemClock())
        await aws("autoscaling:SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=2)
        await until(lambda: len(ecs.cluster.instances) == 2, "it grows")
        named = {"AutoScalingGroupNames": ["web"]}
        answer = await aws("autoscaling:DescribeAutoScalingGroups", **named)
        (group,) = answer["AutoScalingGroups"]
        machines = [each["InstanceId"] for each in group["Instances"]]
        assert (group["DesiredCapacity"], len(machines)) == (2, 2)
        leaving = {"InstanceId": machines[0], "ShouldDecrementDesiredCapacity": True}
        await aws("autoscaling:TerminateInstanceInAutoScalingGroup", **leaving)
        await until(lambda: len(ecs.cluster.instances) == 1, "it shrinks")
        last = {"InstanceId": machines[1], "ShouldDecrementDesiredCapacity": True}
        with pytest.raises(PlatformError, match="minSize"):
            await aws("autoscaling:TerminateInstanceInAutoScalingGroup", **last)
        assert not (await aws("autoscaling:DescribePolicies"))["ScalingPolicies"]
        aws.close()
