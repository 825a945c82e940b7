"""Each meter with a source whose value a test sets, and which it may take away."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.core.model import Container, Service
from fairlead.core.scaling.policy import CloudWatchQuery, Metric, Source
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.cloudwatch import CloudWatchMeter
from fairlead.meters.document import DocumentMeter
from fairlead.meters.ecs import EcsUsageMeter
from fairlead.meters.prometheus import PrometheusMeter
from fairlead.meters.proxy import ProxyMeter
from fairlead.meters.sqs import COUNTS, SqsMeter
from fairlead.meters.usage import Usage, UsageMeter
from fairlead.ports import Meter
from tests.meters import prometheus
from tests.meters.server import answer, serving
from tests.meters.test_aws import Answers
from tests.meters.test_proxy import SHOP, Nodes
from tests.meters.test_usage import ONE, Machine
from tests.stub_edges import StubClock

DENIED = PlatformError("AWS denies it: allow it to fairlead's role")


@dataclass
class World:
    """`publish` sets what the source says, as a number or as something that is none; `away`: it
    cannot be asked. `now` is the time of its clock; `late`: the most by which values are of
    before."""

    meter: Meter
    metric: Metric
    publish: Callable[[Any], Awaitable[None]]
    away: Callable[[bool], None]
    now: Callable[[], float]
    late: float = 1.0

    async def read(self) -> Reading:
        return await self.meter.read(SHOP, self.metric)


@asynccontextmanager
async def of_proxy() -> AsyncIterator[World]:
    nodes = Nodes()
    meter, clock = ProxyMeter(nodes, nodes.clock), nodes.clock

    async def publish(value: float) -> None:
        nodes.problem = ""
        await tick()
        nodes.serve(round(value * 10))
        clock.time += 10.0
        await tick()

    async def tick() -> None:
        nodes.tell()
        await meter.take(SHOP)

    def away(gone: bool) -> None:
        meter._problems.clear()
        if gone:
            meter.late(SHOP, 1.0)

    yield World(meter, Metric(Source.REQUESTS), publish, away, clock.wall)


@asynccontextmanager
async def of_usage(source: Source) -> AsyncIterator[World]:
    machine = Machine()
    meter = UsageMeter(Usage(machine, machine.clock), lambda _: [ONE], machine.clock)

    async def publish(value: float) -> None:
        memory = round(value * 1000)
        machine.use(ONE, 0.0, memory=memory, memory_limit=1000)
        await meter._usage.of([ONE])
        machine.clock.time += 10.0
        machine.use(ONE, value * 10, memory=memory)

    def away(gone: bool) -> None:
        machine.problem = "the engine is away" if gone else ""
        machine.clock.time += 1.0

    wall = machine.clock.wall
    yield World(meter, Metric(source), publish, away, wall)


@asynccontextmanager
async def of_document() -> AsyncIterator[World]:
    clock = StubClock()
    async with serving() as server:
        said = {"status": 200, "body": "null"}
        server.respond = lambda _: answer(str(said["body"]), int(said["status"]))

        async def publish(value: Any) -> None:
            said["body"] = json.dumps({"depth": value})

        def away(gone: bool) -> None:
            said["status"] = 503 if gone else 200

        metric = Metric(Source.HTTP, url=server.url, path="depth")
        yield World(DocumentMeter(clock), metric, publish, away, clock.wall)


@asynccontextmanager
async def of_prometheus() -> AsyncIterator[World]:
    async with prometheus.fake() as made:
        assert made.server
        respond = made.server.respond

        async def publish(value: Any) -> None:
            text = {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, str(value))
            made.scraped.values["jobs"] = "NaN" if value != value else text

        def away(gone: bool) -> None:
            assert made.server
            made.server.respond = (lambda _: answer("bad gateway", 502)) if gone else respond

        metric = Metric(Source.PROMETHEUS, url=made.url, query="jobs")
        now = lambda: datetime.now(UTC).timestamp()  # noqa: E731
        yield World(PrometheusMeter(), metric, publish, away, now)


@asynccontextmanager
async def of_sqs() -> AsyncIterator[World]:
    clock, answers = StubClock(), Answers()

    async def publish(value: Any) -> None:
        answers.answer = {"Attributes": {COUNTS[0]: str(value), COUNTS[1]: "0"}}

    def away(gone: bool) -> None:
        answers.error = DENIED if gone else None

    metric = Metric(Source.SQS, url="https://sqs.eu-west-1.amazonaws.com/1/q")
    yield World(SqsMeter(answers, clock), metric, publish, away, clock.wall)


@asynccontextmanager
async def of_cloudwatch(source: Source) -> AsyncIterator[World]:
    clock, answers = StubClock(), Answers()
    cloudwatch = CloudWatchMeter(answers, clock)
    service = Service(SHOP, container=Container(task_service=SHOP))
    ecs = source is not Source.CLOUDWATCH
    meter: Meter = EcsUsageMeter(cloudwatch, "c", lambda _: service) if ecs else cloudwatch

    async def publish(value: Any) -> None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        shown = value * 100 if ecs and number else value
        began = datetime.fromtimestamp(clock.wall() // 60 * 60 - 60, UTC)
        whole = {"Timestamps": [began], "Values": [shown], "StatusCode": "Complete"}
        answers.answer = {"MetricDataResults": [{"Id": "used", **whole}]}

    def away(gone: bool) -> None:
        answers.error = DENIED if gone else None

    query = CloudWatchQuery("used", namespace="Shop", metric="Jobs")
    yield World(meter, Metric(source, queries=(query,)), publish, away, clock.wall, late=60.0)


OWN: dict[str, Callable[[], Any]] = {
    "proxy": of_proxy,
    "cpu": lambda: of_usage(Source.CPU),
    "memory": lambda: of_usage(Source.MEMORY),
}
FOREIGN: dict[str, Callable[[], Any]] = {
    "cpu of ecs": lambda: of_cloudwatch(Source.CPU),
    "cloudwatch": lambda: of_cloudwatch(Source.CLOUDWATCH),
    "sqs": of_sqs,
    "prometheus": of_prometheus,
    "http": of_document,
}
"""What others tell may be anything; what fairlead counts itself is a number."""
