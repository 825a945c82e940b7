from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.core.errors import MeterError
from fairlead.core.scaling.policy import Metric, Source
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.prometheus import PrometheusMeter
from tests.meters import prometheus
from tests.meters.prometheus import World
from tests.meters.server import Server, answer

METER = PrometheusMeter()


@pytest.fixture(params=["as seen", "real"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "real" and (problem := prometheus.absent()):
        pytest.skip(problem)
    made = prometheus.fake() if request.param == "as seen" else prometheus.real(tmp_path)
    async with made as each:
        each.scraped.values |= {"jobs": "7", 'many{a="1"}': "1", 'many{a="2"}': "2"}
        each.scraped.values |= {"odd": "NaN", "big": "+Inf", "below": "-2", "old": "5"}
        each.scraped.times["old"] = time.time() - 100
        await each.seen("jobs")
        yield each


async def read(url: str, query: str, token_file: str = "") -> Reading:
    metric = Metric(Source.PROMETHEUS, url=url, query=query, token_file=token_file)
    return await METER.read("shop", metric)


async def test_what_a_query_gives(world: World) -> None:
    for query, value in (
        ("jobs", 7.0),
        ("scalar(jobs)", 7.0),
        ("sum(many)", 3.0),
        ("jobs # waiting", 7.0),
    ):
        reading = await read(world.url + "/", query)
        assert reading.value == value
        assert -1 < time.time() - reading.at < 30


async def test_a_sample_has_a_time_of_its_own(world: World) -> None:
    assert time.time() - (await read(world.url, "old")).at > 99


async def test_queries_without_one_number(world: World) -> None:
    for query, why in (
        ("nothing", "no series"),
        ("many", "2 series"),
        ("odd", "nan, which is no finite number"),
        ("big", "inf, which is no finite number"),
        ("below", "only 0 to"),
        ("'text'", "'string'"),
        ("jobs[1m]", "'matrix'"),
        ("bad(", "refuses the query: .*unclosed left parenthesis"),
    ):
        with pytest.raises(MeterError, match=why):
            await read(world.url, query)


def vector(*samples: Any) -> dict[str, Any]:
    series = [{"metric": {}, "value": each} for each in samples]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>sign in</html>",
        "[" * 50_000,
        [],
        {"status": "success"},
        {"status": "success", "data": []},
        {"status": "success", "data": {"resultType": "vector", "result": {}}},
        {"status": "success", "data": {"resultType": "vector", "result": ["x"]}},
        {"status": "success", "data": {"resultType": "scalar", "result": [1]}},
        {"status": "success", "data": {"resultType": ["vector"], "result": []}},
        {"status": "error", "error": {"a": 1}},
        vector(None),
        vector([1.0, 7]),
        vector(["1", "7"]),
        vector([True, "7"]),
        vector([1e300, "7"]),
        vector([-1, "7"]),
        vector([1.0, "7" * 1000]),
        vector([1.0, "0x10"]),
        vector([10**400, "7"]),
    ],
)
async def test_answers_that_are_not_prometheus(server: Server, body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    server.respond = lambda _: answer(text)
    with pytest.raises(MeterError) as caught:
        await read(server.url, "jobs")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("status", [401, 404, 502, 503])
async def test_a_status_without_an_answer_of_prometheus(server: Server, status: int) -> None:
    server.respond = lambda _: answer("go away", status)
    with pytest.raises(MeterError, match=f"status {status}"):
        await read(server.url, "jobs")


async def test_the_query_is_told_to_nobody_but_the_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-secret-token")
    server.respond = lambda _: answer("x", 500)
    with pytest.raises(MeterError) as caught:
        await read(server.url, "jobs{key='secret'}", str(tmp_path / "token"))
    assert server.asked[0].headers["authorization"] == "Bearer a-secret-token"
    assert server.asked[0].query["query"] == "jobs{key='secret'}"
    assert "secret" not in str(caught.value)
