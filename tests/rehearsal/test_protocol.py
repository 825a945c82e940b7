from __future__ import annotations

import asyncio
import json
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from fairlead.rehearsal.faults import Refusal, WrongAnswer
from fairlead.rehearsal.operations.table import OPERATIONS
from fairlead.rehearsal.protocol import Protocol
from fairlead.rehearsal.rehearsal import Rehearsal
from fairlead.wire import Request, Response
from tests.ground import fetch
from tests.rehearsal.ground import rehearsal

PROTOCOL = Protocol()
NAME = "AmazonEC2ContainerServiceV20141113."


async def post(ecs: Rehearsal, target: str, body: bytes, signed: bool = True) -> Response:
    headers = [("host", "localhost"), ("content-type", "application/x-amz-json-1.1")]
    headers += [("x-amz-target", target)]
    headers += [("authorization", "AWS4-HMAC-SHA256 Credential=x")] if signed else []
    port = int(ecs.url.rpartition(":")[2])
    return await fetch(port, Request("POST", "/", tuple(headers), body))


@pytest.mark.parametrize(
    ("operation", "body", "code", "words"),
    [
        ("ListTasks", {"colour": "blue"}, "InvalidParameterException", "colour is unknown"),
        ("ListTasks", {"maxResults": "5"}, "SerializationException", "maxResults is str, not"),
        ("ListTasks", {"maxResults": True}, "SerializationException", "maxResults is bool, not"),
        ("ListTasks", {"desiredStatus": "FINE"}, "InvalidParameterException", "not one of RUNNING"),
        ("UpdateService", {"desiredCount": 1}, "InvalidParameterException", "service is missing"),
        ("DescribeTasks", {"tasks": "a"}, "SerializationException", "tasks is str, not list"),
        ("DescribeTasks", {"tasks": [1]}, "SerializationException", "tasks[0] is int, not string"),
        (
            "RegisterTaskDefinition",
            {"family": "a", "containerDefinitions": [{"portMappings": [{"port": 1}]}]},
            "InvalidParameterException",
            "containerDefinitions[0].portMappings[0].port is unknown",
        ),
        ("Nonsense", {}, "UnknownOperationException", "Nonsense"),
    ],
)
def test_a_request_is_held_against_the_model(
    operation: str, body: Any, code: str, words: str
) -> None:
    with pytest.raises(Refusal) as refused:
        PROTOCOL.read(operation, json.dumps(body).encode())
    assert refused.value.code == code
    assert words in refused.value.message


def test_a_body_that_is_no_json_is_refused_and_null_counts_as_absent() -> None:
    with pytest.raises(Refusal, match="no JSON"):
        PROTOCOL.read("ListTasks", b"{")
    assert PROTOCOL.read("ListTasks", b'{"family": null, "cluster": "a"}') == {"cluster": "a"}


@pytest.mark.parametrize(
    "answer",
    [
        {"taskArns": "a"},
        {"taskArns": [None]},
        {"taskArns": [], "extra": 1},
    ],
)
def test_a_wrong_answer_of_ours_is_a_fault(answer: Any) -> None:
    with pytest.raises(WrongAnswer, match="ListTasks: the answer is wrong"):
        PROTOCOL.write("ListTasks", answer)
    assert PROTOCOL.write("ListTasks", {"taskArns": ["a"]}) == b'{"taskArns":["a"]}'


def test_a_wrong_enum_in_an_answer_is_a_fault_too() -> None:
    with pytest.raises(WrongAnswer, match="healthStatus"):
        PROTOCOL.write("DescribeTasks", {"tasks": [{"healthStatus": "GREAT"}]})


def test_every_operation_is_one_of_the_api() -> None:
    assert len(OPERATIONS) >= 24
    for name in OPERATIONS:
        assert PROTOCOL._model.operation_model(name).name == name


async def test_errors_have_the_apis_form() -> None:
    async with rehearsal() as ecs:
        answer = await post(ecs, NAME + "ListTasks", b'{"cluster": "none"}')
        assert answer.status == 400
        assert json.loads(answer.body) == {
            "__type": "ClusterNotFoundException",
            "message": "Cluster not found.",
        }
        answer = await post(ecs, NAME + "ListTasks", b"{}", signed=False)
        assert json.loads(answer.body)["__type"] == "MissingAuthenticationTokenException"
        answer = await post(ecs, NAME + "CreateCapacityProvider", b"{}")
        assert json.loads(answer.body)["__type"] == "UnknownOperationException"


async def test_a_wrong_answer_fails_whoever_runs_the_rehearsal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {**OPERATIONS, "ListTasks": lambda plane, request: {"tasks": []}}
    monkeypatch.setattr("fairlead.rehearsal.http.OPERATIONS", wrong)
    ecs = await rehearsal().__aenter__()
    answer = await post(ecs, NAME + "ListTasks", b'{"cluster": "shop"}')
    assert answer.status == 500
    with pytest.raises(WrongAnswer):
        await ecs.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("describe_services", {"cluster": "none", "services": ["a"]}, "ClusterNotFoundException"),
        ("list_tasks", {"cluster": "shop", "serviceName": "none"}, "ServiceNotFoundException"),
        ("update_service", {"cluster": "shop", "service": "none"}, "ServiceNotFoundException"),
        ("describe_task_definition", {"taskDefinition": "none"}, "ClientException"),
        ("stop_task", {"cluster": "shop", "task": "none"}, "InvalidParameterException"),
        ("describe_services", {"cluster": "shop", "services": ["a"] * 11},
         "InvalidParameterException"),
        ("describe_tasks", {"cluster": "shop", "tasks": ["a"] * 101}, "InvalidParameterException"),
        ("describe_tasks", {"cluster": "shop", "tasks": []}, "InvalidParameterException"),
        ("list_tasks", {"cluster": "shop", "maxResults": 101}, "InvalidParameterException"),
        ("list_tasks", {"cluster": "shop", "nextToken": "x"}, "InvalidParameterException"),
        ("create_service", {"cluster": "shop", "serviceName": "s", "taskDefinition": "t",
                            "desiredCount": 1, "launchType": "FARGATE"},
         "UnsupportedFeatureException"),
        ("create_service", {"cluster": "shop", "serviceName": "s", "taskDefinition": "t",
                            "desiredCount": 1, "loadBalancers": [{"loadBalancerName": "x"}]},
         "UnsupportedFeatureException"),
        ("create_service", {"cluster": "shop", "serviceName": "s", "taskDefinition": "t",
                            "desiredCount": 1, "deploymentConfiguration": {
                                "deploymentCircuitBreaker": {
                                    "enable": True, "rollback": True, "resetOnHealthyTask": True}}},
         "UnsupportedFeatureException"),
    ],
)  # fmt: skip
async def test_botocore_sees_the_real_exceptions(
    operation: str, request_: dict[str, Any], code: str
) -> None:
    async with rehearsal() as ecs:
        client = client_of(ecs)
        ecs.define("t", "x")
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(getattr(client, operation), **request_)
        assert caught.value.response["Error"]["Code"] == code
        client.close()


def client_of(ecs: Rehearsal) -> Any:
    return botocore.session.Session().create_client(
        "ecs", endpoint_url=ecs.url, region_name="us-east-1",
        aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip


async def test_what_is_missing_is_a_failure_of_a_describe_call() -> None:
    async with rehearsal() as ecs:
        client = client_of(ecs)
        asked = (
            ("describe_tasks", "tasks", "task/shop/a"),
            ("describe_services", "services", "service/shop/a"),
            ("describe_container_instances", "containerInstances", "container-instance/shop/a"),
        )
        for operation, key, arn in asked:
            found = await asyncio.to_thread(
                getattr(client, operation), cluster="shop", **{key: ["a"]}
            )
            assert found[key] == []
            assert found["failures"] == [{"arn": ecs.ledger.arn(arn), "reason": "MISSING"}]
        client.close()
