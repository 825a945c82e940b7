"""Calls on the wire, against a real HTTP server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fairlead.aws import client
from fairlead.aws.client import TRIES, Aws
from fairlead.aws.pace import Pace
from fairlead.aws.session import Account, Clients
from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from tests.ground import free_port

CLUSTER = "shop"
INSTANCES = """<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId>
  <groupSet/><instancesSet><item><instanceId>i-1</instanceId><imageId>ami-1</imageId>
  <privateIpAddress>10.0.0.5</privateIpAddress><ipAddress>203.0.113.5</ipAddress>
  <placement><availabilityZone>eu-west-1a</availabilityZone><tenancy>default</tenancy></placement>
  </item></instancesSet></item></reservationSet></DescribeInstancesResponse>"""


class Server:
    """Answers with what `answers` holds, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = [(200, "{}")]
        self.asked: list[tuple[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                server.asked.append((self.headers.get("x-amz-target", ""), body.decode()))
                more = len(server.answers) > 1
                status, text = server.answers.pop(0) if more else server.answers[0]
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(client, "backoff", lambda _: 0.01)


@pytest.fixture
def aws(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    found = made()
    yield found
    found.close()


def made(account: Account | None = None, pace: Pace | None = None) -> Aws:
    return Aws(lambda: Clients(account or Account()), SystemClock(), pace)


def error(code: str, message: str = "no") -> str:
    return json.dumps({"__type": code, "message": message})


async def test_a_call_goes_out_and_its_answer_comes_in(aws: Aws, server: Server) -> None:
    server.answers = [(200, json.dumps({"taskArns": ["t"], "later": {"unknown": 1}}))]
    answer = await aws("ecs:ListTasks", cluster=CLUSTER, desiredStatus="RUNNING")
    assert answer["taskArns"] == ["t"]
    target, body = server.asked[0]
    assert target == "AmazonEC2ContainerServiceV20141113.ListTasks"
    assert json.loads(body) == {"cluster": CLUSTER, "desiredStatus": "RUNNING"}


async def test_ec2_is_read_with_the_small_model(aws: Aws, server: Server) -> None:
    server.answers = [(200, INSTANCES)]
    filters = [{"Name": "instance-id", "Values": ["i-1", "i-2"]}]
    answer = await aws("ec2:DescribeInstances", Filters=filters)
    assert answer["Reservations"][0]["Instances"] == [
        {
            "InstanceId": "i-1",
            "PrivateIpAddress": "10.0.0.5",
            "PublicIpAddress": "203.0.113.5",
            "Placement": {"AvailabilityZone": "eu-west-1a"},
        }
    ]
    assert (
        "Filter.1.Name=instance-id&Filter.1.Value.1=i-1&Filter.1.Value.2=i-2"
        in (server.asked[0][1])
    )


@pytest.mark.parametrize(
    "failure",
    [
        (400, error("ThrottlingException", "Rate exceeded")),
        (500, error("ServerException")),
        (503, ""),
    ],
)
async def test_what_may_pass_is_tried_again(
    aws: Aws, server: Server, failure: tuple[int, str]
) -> None:
    server.answers = [failure, failure, (200, "{}")]
    await aws("ecs:ListTasks", cluster=CLUSTER)
    calls = aws.calls()
    assert calls.by_action == {"ecs:ListTasks": 3}
    assert calls.throttled == (2 if "Throttling" in failure[1] else 0)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ((400, error("AccessDeniedException")), "ecs:ListTasks.*fairlead export iam-policy"),
        ((400, error("ClusterNotFoundException")), r"ecs\.cluster"),
        ((400, error("ExpiredTokenException")), "renew"),
        ((400, error("InvalidParameterException", "bad id")), "bad id"),
        ((400, "{"), "InvalidParam|400|no message"),
    ],
)
async def test_what_stays_is_told_at_once(
    aws: Aws, server: Server, failure: tuple[int, str], told: str
) -> None:
    server.answers = [failure]
    with pytest.raises(PlatformError, match=told):
        await aws("ecs:ListTasks", cluster=CLUSTER)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "garbage", ["{", "[]", '"x"', '{"tasks": 3}', '{"tasks": [{"createdAt": "x"}]}']
)
async def test_garbage_is_an_error_of_ours(aws: Aws, server: Server, garbage: str) -> None:
    server.answers = [(200, garbage)]
    try:
        await aws("ecs:DescribeTasks", cluster=CLUSTER, tasks=["a"])
    except PlatformError as found:
        assert "ecs:DescribeTasks" in str(found)  # noqa: PT017 - an empty answer is one, too


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    aws = made()
    with pytest.raises(PlatformError, match="cannot be reached"):
        await aws("ecs:ListTasks", cluster=CLUSTER)
    assert aws.calls().by_action["ecs:ListTasks"] == TRIES
    aws.close()


async def test_without_credentials_region_or_profile_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for account, gone, told in (
        (Account("eu-west-1"), "AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
        (Account(), "AWS_DEFAULT_REGION", r"ecs\.region"),
        (Account(profile="nobody"), "AWS_SESSION_TOKEN", r"ecs\.profile"),
    ):
        monkeypatch.delenv(gone, raising=False)
        aws = made(account)
        with pytest.raises(PlatformError, match=told):
            await aws("ecs:ListTasks", cluster=CLUSTER)
        aws.close()


async def test_calls_are_held_back_to_the_bound(aws: Aws, server: Server) -> None:
    aws._pace = Pace(rate=20, burst=2)
    began = time.monotonic()
    await asyncio.gather(*(aws("ecs:ListTasks", cluster=CLUSTER) for _ in range(8)))
    assert time.monotonic() - began >= 6 / 20 - 0.01
    assert aws.calls().per_second <= 8


async def test_a_long_poll_does_not_hold_up_the_others(server: Server) -> None:
    """It has a thread of its own, and none outlives the process (see threads)."""
    held = threading.Event()

    class Source:
        def get(self, service: str) -> Any:
            return self

        def receive_message(self) -> Any:
            held.wait(20)
            return {}

        def list_tasks(self) -> Any:
            return {}

        def close(self) -> None:
            held.set()

    aws = Aws(Source, SystemClock())
    waiting = asyncio.create_task(aws("sqs:ReceiveMessage"))
    for _ in range(4):
        await asyncio.wait_for(aws("ecs:ListTasks"), 5)
    assert not waiting.done()
    aws.close()
    await waiting
