"""Metrics of CloudWatch and depths of SQS, from moto's server and from answers as AWS's model has
them (moto knows no metric math)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import ParamValidator

from fairlead.clock import SystemClock
from fairlead.core.errors import MeterError, PlatformError
from fairlead.core.model import Cluster, Container, Ecs, Service
from fairlead.core.scaling.policy import CloudWatchQuery, Metric, Source
from fairlead.meters.cloudwatch import CloudWatchMeter, queries
from fairlead.meters.ecs import EcsUsageMeter
from fairlead.meters.opening import Meters, Services
from fairlead.meters.sqs import COUNTS, SqsMeter, region_of
from tests.moto import REGION, Moto
from tests.platforms.ecs.fake import model
from tests.stub_edges import StubClock

SERVICE = Service(
    "shop", container=Container(task_service="arn:aws:ecs:eu-west-1:1:service/c/shop")
)
JOBS = CloudWatchQuery("jobs", namespace="Shop", metric="Jobs", dimensions=(("Queue", "a"),))


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    made: Moto = Moto("sqs", lambda: made.client().list_queues())
    made.start()
    yield made
    made.kill()


@pytest.fixture
def meters(moto: Moto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Meters]:
    """As the settings open them: with fairlead's own small session and models."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    cluster = Cluster(platform="ecs", ecs=Ecs(cluster="c", region=REGION))
    made = Meters(cluster, Services(lambda _: SERVICE, lambda _: []), SystemClock())
    yield made
    made.close()


def publish(moto: Moto, ages: Mapping[float, float], query: CloudWatchQuery = JOBS) -> None:
    """Values by how many seconds ago their minute began."""
    client = Moto.client(moto_for(moto, "cloudwatch"))
    named = [{"Name": name, "Value": value} for name, value in query.dimensions]
    for age, value in ages.items():
        when = datetime.fromtimestamp((time.time() - age) // 60 * 60, UTC)
        datum = {"MetricName": query.metric, "Dimensions": named, "Timestamp": when, "Value": value}
        client.put_metric_data(Namespace=query.namespace, MetricData=[datum])


def moto_for(moto: Moto, service: str) -> Moto:
    other = Moto(service, lambda: None)
    other.endpoint = moto.endpoint
    return other


async def test_the_newest_whole_datapoint(moto: Moto, meters: Meters) -> None:
    publish(moto, {0: 99.0, 60: 7.0, 120: 5.0})
    metric = Metric(Source.CLOUDWATCH, queries=(JOBS,))
    before = time.time()
    reading = await meters(metric).read("shop", metric)
    assert reading.value in {7.0, 99.0}  # the minute may have ended since
    assert reading.at == (before // 60 if reading.value == 7.0 else time.time() // 60) * 60
    assert meters(metric).period(metric) == 60


async def test_the_last_query_is_the_answer(moto: Moto, meters: Meters) -> None:
    other = CloudWatchQuery("other", namespace="Shop", metric="Other")
    publish(moto, {60: 3.0, 120: 3.0}, other)
    one = CloudWatchQuery("one", namespace="Shop", metric="One")
    publish(moto, {60: 4.0, 120: 4.0}, one)
    metric = Metric(Source.CLOUDWATCH, queries=(one, other))
    assert (await meters(metric).read("shop", metric)).value == 3.0
    same = CloudWatchQuery("same", expression="one")
    metric = Metric(Source.CLOUDWATCH, queries=(other, one, same))
    assert (await meters(metric).read("shop", metric)).value == 4.0


async def test_a_metric_that_nobody_publishes(meters: Meters) -> None:
    nobody = CloudWatchQuery("nobody", namespace="Shop", metric="Nobody")
    metric = Metric(Source.CLOUDWATCH, queries=(nobody,))
    with pytest.raises(MeterError, match="no whole datapoint of nobody"):
        await meters(metric).read("shop", metric)


async def test_a_queue_holds_what_waits_and_what_is_worked_on(moto: Moto, meters: Meters) -> None:
    client = moto.client()
    url = client.create_queue(QueueName="work")["QueueUrl"]
    for number in range(5):
        client.send_message(QueueUrl=url, MessageBody=str(number))
    client.receive_message(QueueUrl=url, MaxNumberOfMessages=2)
    metric = Metric(Source.SQS, url=url)
    reading = await meters(metric).read("shop", metric)
    assert reading.value == 5.0
    assert abs(reading.at - time.time()) < 60


async def test_no_such_queue(moto: Moto, meters: Meters) -> None:
    metric = Metric(Source.SQS, url=f"{moto.endpoint}/123456789012/nothing")
    with pytest.raises(MeterError, match="sqs:GetQueueAttributes"):
        await meters(metric).read("shop", metric)


async def test_without_credentials_it_says_what_to_do(
    meters: Meters, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    metric = Metric(Source.SQS, url="https://sqs.eu-west-1.amazonaws.com/123456789012/work")
    with pytest.raises(MeterError, match="AWS_ACCESS_KEY_ID"):
        await meters(metric).read("shop", metric)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/1/q", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"),
        ("https://queue.amazonaws.com/1/q", ""),
        ("http://127.0.0.1:5000/1/q", ""),
        ("", ""),
    ],
)
def test_a_queues_url_names_its_region(url: str, region: str) -> None:
    assert region_of(url) == region


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass
class Answers:
    """AWS's calls: what is asked is held against botocore's model, the answer is the test's."""

    answer: Any = field(default_factory=dict)
    error: PlatformError | None = None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    def __call__(self, region: str) -> Callable[..., Any]:
        self.regions.append(region)
        return self.call

    async def call(self, action: str, /, **parameters: Any) -> Any:
        service, _, operation = action.partition(":")
        shape = model(service).operation_model(operation).input_shape
        report = ParamValidator().validate(parameters, shape)
        assert not report.has_errors(), report.generate_report()
        self.asked.append((action, parameters))
        if self.error:
            raise self.error
        return self.answer


CLOCK = StubClock(time=20.0)
NOW = CLOCK.wall()
MINUTE = NOW // 60 * 60


def result(name: str, *points: tuple[float, Any], **more: Any) -> dict[str, Any]:
    times, values = [at(when) for when, _ in points], [value for _, value in points]
    return {"Id": name, "Timestamps": times, "Values": values, "StatusCode": "Complete", **more}


async def value(answers: Answers, *wanted: CloudWatchQuery, region: str = "") -> float:
    metric = Metric(Source.CLOUDWATCH, queries=wanted or (JOBS,), region=region)
    return (await CloudWatchMeter(answers, CLOCK).read("shop", metric)).value


def test_metric_math_as_the_api_has_it() -> None:
    visible = CloudWatchQuery(
        "visible", namespace="AWS/SQS", metric="ApproximateNumberOfMessagesVisible",
        dimensions=(("QueueName", "work"),), statistic="Maximum", period=60,
    )  # fmt: skip
    math = CloudWatchQuery("each", expression="visible / 10")
    assert queries((visible, math)) == [
        {
            "Id": "visible",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": "work"}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        },
        {"Id": "each", "ReturnData": True, "Expression": "visible / 10"},
    ]
    insights = CloudWatchQuery("q", expression=' select AVG(X) FROM "N"', period=300)
    assert queries((insights,))[0]["Period"] == 300


async def test_it_asks_for_some_periods_up_to_now_in_its_region() -> None:
    answers = Answers({"MetricDataResults": [result("slow", (MINUTE - 300, 2.5))]})
    slow = CloudWatchQuery("slow", expression="jobs * 2", period=300)
    assert await value(answers, JOBS, slow, region="eu-west-1") == 2.5
    action, asked = answers.asked[0]
    assert (action, answers.regions) == ("cloudwatch:GetMetricData", ["eu-west-1"])
    assert asked["StartTime"] == asked["EndTime"] - 5 * 300
    assert 0 <= asked["EndTime"] - NOW < 60


async def test_a_minute_that_is_not_over_is_no_value() -> None:
    points = [(MINUTE - 120, 5.0), (MINUTE, 99.0), (MINUTE - 60, 7.0)]
    answers = Answers({"MetricDataResults": [result("jobs", *points)]})
    metric = Metric(Source.CLOUDWATCH, queries=(JOBS,))
    reading = await CloudWatchMeter(answers, CLOCK).read("shop", metric)
    assert (reading.value, reading.at) == (7.0, MINUTE)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({}, "says nothing of jobs"),
        ({"MetricDataResults": None}, "says nothing of jobs"),
        ({"MetricDataResults": ["x", 3]}, "says nothing of jobs"),
        ({"MetricDataResults": [result("others", (MINUTE - 60, 1.0))]}, "says nothing of jobs"),
        (
            {"MetricDataResults": [], "Messages": [{"Code": "c", "Value": "Too many"}]},
            "says nothing of jobs: Too many",
        ),
        ({"MetricDataResults": [result("jobs")]}, "no whole datapoint of jobs"),
        ({"MetricDataResults": [result("jobs", (MINUTE, 1.0))]}, "no whole datapoint"),
        (
            {"MetricDataResults": [result("jobs", StatusCode="PartialData")]},
            "no whole datapoint of jobs: PartialData",
        ),
        (
            {"MetricDataResults": [result("jobs", (MINUTE - 60, 1.0), StatusCode="InternalError")]},
            "fails at jobs: InternalError",
        ),
        (
            {"MetricDataResults": [result("jobs", StatusCode="Forbidden",
                                          Messages=[{"Code": "F", "Value": "no right"}])]},
            "fails at jobs: no right",
        ),
        ({"MetricDataResults": [result("jobs", Values=[1.0])]}, "no datapoints"),
        ({"MetricDataResults": [{"Id": "jobs"}]}, "no datapoints"),
        (
            {"MetricDataResults": [{"Id": "jobs", "Timestamps": ["x"], "Values": [1.0]}]},
            "a datapoint's time",
        ),
        ({"MetricDataResults": [result("jobs", (MINUTE - 60, float("nan")))]}, "no finite number"),
        ({"MetricDataResults": [result("jobs", (MINUTE - 60, 1e308))]}, "only 0 to"),
        ({"MetricDataResults": [result("jobs", (MINUTE - 60, "7"))]}, "no number"),
    ],
)  # fmt: skip
async def test_answers_without_a_value(answer: Any, why: str) -> None:
    with pytest.raises(MeterError, match=why):
        await value(Answers(answer))


async def test_an_error_of_aws_is_told() -> None:
    answers = Answers(error=PlatformError("AWS denies cloudwatch:GetMetricData"))
    with pytest.raises(MeterError, match="AWS denies"):
        await value(answers)
    metric = Metric(Source.CLOUDWATCH)
    with pytest.raises(MeterError, match="no queries"):
        await CloudWatchMeter(answers, CLOCK).read("shop", metric)


@pytest.mark.parametrize(
    ("source", "metric"), [(Source.CPU, "CPUUtilization"), (Source.MEMORY, "MemoryUtilization")]
)
async def test_what_ecs_publishes_of_a_service(source: Source, metric: str) -> None:
    answers = Answers({"MetricDataResults": [result("used", (MINUTE - 60, 84.0))]})
    cluster = "arn:aws:ecs:eu-west-1:1:cluster/c"
    meter = EcsUsageMeter(CloudWatchMeter(answers, CLOCK), cluster, lambda _: SERVICE)
    reading = await meter.read("shop", Metric(source))
    assert (reading.value, reading.at) == (pytest.approx(0.84), MINUTE)
    stat = answers.asked[0][1]["MetricDataQueries"][0]["MetricStat"]
    assert (stat["Stat"], stat["Period"]) == ("Average", meter.period(Metric(source)))
    assert stat["Metric"] == {
        "Namespace": "AWS/ECS",
        "MetricName": metric,
        "Dimensions": [
            {"Name": "ClusterName", "Value": "c"}, {"Name": "ServiceName", "Value": "shop"},
        ],
    }  # fmt: skip


async def test_a_service_that_is_none_of_ecs() -> None:
    meter = EcsUsageMeter(CloudWatchMeter(Answers(), CLOCK), "c", lambda _: Service("shop"))
    with pytest.raises(MeterError, match="no ECS service"):
        await meter.read("shop", Metric(Source.CPU))


async def test_ecs_measures_no_endpoint_of_its_own(meters: Meters, moto: Moto) -> None:
    used = CloudWatchQuery(
        "used", namespace="AWS/ECS", metric="CPUUtilization",
        dimensions=(("ClusterName", "c"), ("ServiceName", "shop")),
    )  # fmt: skip
    publish(moto, {60: 40.0, 120: 40.0}, used)
    metric = Metric(Source.CPU)
    assert (await meters(metric).read("shop", metric)).value == pytest.approx(0.4)


async def test_what_no_platform_measures(meters: Meters) -> None:
    meters.cluster = Cluster(platform="process")
    with pytest.raises(MeterError, match="on this platform"):
        meters(Metric(Source.CPU))


@pytest.mark.parametrize(
    "attributes",
    [None, {}, {COUNTS[0]: "3"}, {COUNTS[0]: "3", COUNTS[1]: "x"}, {COUNTS[0]: 3, COUNTS[1]: "1"},
     {COUNTS[0]: "-1", COUNTS[1]: "1"}, {COUNTS[0]: "1e15", COUNTS[1]: "1e15"}],
)  # fmt: skip
async def test_queues_without_a_depth(attributes: Any) -> None:
    meter = SqsMeter(Answers({"Attributes": attributes}), CLOCK)
    with pytest.raises(MeterError):
        await meter.read("shop", Metric(Source.SQS, url="https://sqs.eu-west-1.amazonaws.com/1/q"))
