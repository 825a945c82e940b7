from __future__ import annotations

import asyncio
import json
import uuid
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from fairlead.core.errors import BadInput
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.rehearsal.ground import rehearsal, running, tasks


class Sqs(ThreadingHTTPServer):
    """Takes SendMessage of the JSON protocol, as SQS does; refuses everything else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/123456789012/events"
        self.bodies: list[dict[str, Any]] = []
        self.failing = 0


class Handler(BaseHTTPRequestHandler):
    server: Sqs

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        good = self.headers["x-amz-target"] == "AmazonSQS.SendMessage"
        good = good and request["QueueUrl"] == self.server.url
        if self.server.failing:
            self.server.failing -= 1
            good = False
        if good:
            self.server.bodies.append(json.loads(request["MessageBody"]))
        self.answer(200 if good else 503, {"MessageId": str(uuid.uuid4())})

    def answer(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def sqs() -> Any:
    with Sqs() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def scaled(ecs: Rehearsal) -> list[str]:
    ecs.serve("web", ecs.define("web", "x"), 2)
    await running(ecs, 2)
    ecs.call("UpdateService", cluster="shop", service="web", desiredCount=0)
    await until(lambda: len(tasks(ecs, desiredStatus="STOPPED")) == 2)
    await until(
        lambda: {t["lastStatus"] for t in tasks(ecs, desiredStatus="STOPPED")} == {"STOPPED"}
    )
    return [t["taskArn"] for t in tasks(ecs, desiredStatus="STOPPED")]


def last(bodies: list[dict[str, Any]], arn: str) -> dict[str, Any]:
    return [body for body in bodies if body["resources"] == [arn]][-1]


async def test_changes_reach_the_queue_in_the_real_envelope(sqs: Sqs) -> None:
    sqs.failing = 1
    async with rehearsal(processes=False, queue=sqs.url) as ecs:
        arns = await scaled(ecs)
    for arn in arns:
        event = last(sqs.bodies, arn)
        assert event["detail-type"] == "ECS Task State Change"
        assert (event["source"], event["version"]) == ("aws.ecs", "0")
        assert (event["account"], event["region"]) == ("123456789012", "us-east-1")
        detail = event["detail"]
        assert (detail["taskArn"], detail["lastStatus"]) == (arn, "STOPPED")
        assert detail["group"] == "service:web"
        assert detail["version"] > 1
        assert datetime.fromisoformat(detail["stoppedAt"]).tzinfo
        assert "updatedAt" in detail
    nodes = [b for b in sqs.bodies if b["detail-type"] == "ECS Container Instance State Change"]
    assert {body["detail"]["status"] for body in nodes} == {"ACTIVE"}
    assert len({body["id"] for body in sqs.bodies}) == len(sqs.bodies)


async def test_services_and_deployments_have_events_too() -> None:
    told: list[tuple[str, str, str]] = []

    def note(event: dict[str, Any]) -> None:
        if "eventName" in (detail := event["detail"]):
            assert event["resources"] == [ecs.ledger.arn("service/shop/web")]
            told.append((event["detail-type"], detail["eventName"], detail.get("reason", "")))

    async with rehearsal(nodes=1, memory=100, processes=False) as ecs:
        ecs.subscribe(note)
        ecs.serve("web", ecs.define("web", "x", memory=64))
        await until(lambda: len(told) == 3)
        names = ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"]
        assert [name for _, name, _ in told] == [*names, "SERVICE_STEADY_STATE"]
        assert {kind for kind, _, _ in told[:2]} == {"ECS Deployment State Change"}
        ecs.call("UpdateService", cluster="shop", service="web", desiredCount=2)
        failure = ("ECS Service Action", "SERVICE_TASK_PLACEMENT_FAILURE", "RESOURCE:MEMORY")
        await until(lambda: told[3:] == [failure])


async def test_a_queue_that_is_away_holds_nothing_up(free_tcp: str) -> None:
    async with rehearsal(processes=False, queue=free_tcp) as ecs:
        async with asyncio.timeout(10):
            await scaled(ecs)


@pytest.fixture
def free_tcp() -> str:
    from tests.ground import free_port

    return f"http://127.0.0.1:{free_port()}/1/q"


async def test_what_is_no_queue_is_refused() -> None:
    with pytest.raises(BadInput, match="the URL of an SQS queue"):
        async with rehearsal(queue="nonsense"):
            pass
