# ruff: noqa: E501
"""`scale:` of a service: all that it takes, what is refused and where, of one mind with the schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.model import Service
from fairlead.core.scaling.policy import (
    CloudWatchQuery,
    Metric,
    Objective,
    Pace,
    Scale,
    Schedule,
    Share,
    Source,
    Target,
)
from fairlead.settings import parse, problems
from fairlead.settings.schema import schema_text

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text()))
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"
WHOLE = f"""\
services:
  a:
    run: [x]
    scale:
      min: 0
      max: 8
      objective: p99 < 1s
      capacity: 50
      targets:
        cpu: 60%
        memory: 80.5%
        requests: 30
        in-flight: 4.5
        latency: p95 ≤ 200 ms
        errors: 1%
        queue: {{sqs: "{QUEUE}", target: 100, region: eu-west-1}}
        jobs: {{prometheus: "http://127.0.0.1:9090", query: sum(jobs_waiting), target: 20, share: average}}
        depth: {{http: "http://127.0.0.1:9000/stats?x=1", path: data.0.depth, target: 5, token_file: tok, max_age: 10s}}
        busy:
          cloudwatch:
          - {{namespace: AWS/SQS, metric: Sent, dimensions: {{QueueName: jobs, A: 1}}, statistic: p99.9, period: 5m}}
          - {{id: e1, expression: "FILL(m1, 0) / 60"}}
          target: 10
      out: {{most: 4, percent: 100%, period: 15s, cooldown: 5s, stabilisation: 10s}}
      in: {{most: 1, cooldown: 1m, stabilisation: 5m}}
      schedules:
      - {{cron: "0  8 * * mon-fri", zone: Europe/Berlin, for: 10h, min: 3}}
      - {{cron: 0 0 1 1 *, for: 24h, max: 2}}
      predictive: false
      keep_alive: 15m
"""


def _service(text: str) -> Service:
    return parse(text, "f", Path("/srv")).services[0]


def _scale(inside: str) -> Scale:
    found = _service(f"services: {{a: {{run: [x], scale: {inside}}}}}").scale
    assert found is not None
    return found


def test_all_of_it() -> None:
    service = _service(WHOLE)
    assert service.replicas == 1
    assert service.scale == Scale(
        min=0,
        max=8,
        objective=Objective(latency=1.0, budget=0.01),
        capacity=50.0,
        targets=(
            Target("cpu", Metric(Source.CPU), 0.6, Share.AVERAGE),
            Target("memory", Metric(Source.MEMORY), 0.805, Share.AVERAGE),
            Target("requests", Metric(Source.REQUESTS), 30.0, Share.ENDPOINT),
            Target("in-flight", Metric(Source.IN_FLIGHT), 4.5, Share.ENDPOINT),
            Target("latency", Metric(Source.LATENCY, percentile=0.95), 0.2, Share.AVERAGE),
            Target("errors", Metric(Source.ERRORS), 0.01, Share.AVERAGE),
            Target(
                "queue", Metric(Source.SQS, url=QUEUE, region="eu-west-1"), 100.0, Share.ENDPOINT
            ),
            Target(
                "jobs",
                Metric(Source.PROMETHEUS, url="http://127.0.0.1:9090", query="sum(jobs_waiting)"),
                20.0,
                Share.AVERAGE,
            ),
            Target(
                "depth",
                Metric(
                    Source.HTTP,
                    url="http://127.0.0.1:9000/stats?x=1",
                    path="data.0.depth",
                    token_file="/srv/tok",
                    max_age=10.0,
                ),
                5.0,
                Share.ENDPOINT,
            ),
            Target(
                "busy",
                Metric(
                    Source.CLOUDWATCH,
                    queries=(
                        CloudWatchQuery(
                            "m1",
                            namespace="AWS/SQS",
                            metric="Sent",
                            dimensions=(("A", "1"), ("QueueName", "jobs")),
                            statistic="p99.9",
                            period=300,
                        ),
                        CloudWatchQuery("e1", expression="FILL(m1, 0) / 60"),
                    ),
                ),
                10.0,
                Share.ENDPOINT,
            ),
        ),
        out=Pace(4, 100.0, 15.0, 5.0, 10.0),
        inward=Pace(most=1, cooldown=60.0, stabilisation=300.0),
        schedules=(
            Schedule("0 8 * * mon-fri", 36000.0, "Europe/Berlin", min=3),
            Schedule("0 0 1 1 *", 86400.0, "UTC", max=2),
        ),
        predictive=False,
        keep_alive=900.0,
    )


def test_what_is_left_out_is_the_policys_own_default() -> None:
    assert _scale("{}") == Scale()
    assert _scale("{min: 2, max: 4}") == Scale(min=2, max=4)
    assert _scale("{in: {cooldown: 1m}}").inward == Pace(cooldown=60.0, stabilisation=180.0)


def test_a_service_without_it_is_not_scaled() -> None:
    assert _service("services: {a: {run: [x]}}").scale is None


def test_beside_targets_the_objective_rules_only_where_it_is_asked_to() -> None:
    assert _scale("{targets: {cpu: 60%}}").objective is None
    assert _scale("{targets: {cpu: 60%}, objective: p90 <= 2s}").objective == Objective(2.0, 0.1)


@pytest.mark.parametrize(
    ("inside", "replicas"),
    [
        ("scale: {}", 1),
        ("scale: {min: 0}", 1),
        ("scale: {min: 3}", 3),
        ("scale: {min: 0}, replicas: 0", 0),
        ("scale: {min: 1, max: 4}, replicas: 2", 2),
    ],
)
def test_the_first_count(inside: str, replicas: int) -> None:
    assert _service(f"services: {{a: {{run: [x], {inside}}}}}").replicas == replicas


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("p95 <= 250ms", Objective()),
        ("p95 ≤ 250 ms", Objective()),
        ("p95<0.25s", Objective()),
        ("p50 <= 1ms", Objective(0.001, 0.5)),
        ("p99.99 < 1m", Objective(60.0, 0.0001)),
        ("p99.9 <= 1.5s", Objective(1.5, 0.001)),
    ],
)
def test_an_objective(text: str, objective: Objective) -> None:
    assert _scale(f"{{objective: {text}}}").objective == objective


def test_a_service_of_an_orchestrator_is_scaled_too() -> None:
    service = _service("platform: ecs\nservices: {a: {service: shop-a, scale: {max: 3}}}")
    assert service.scale == Scale(max=3)


URL = "expected a URL such as"
NUMBER = "expected a number from 0.001 to 999999999"
WRONG = [
    ("[]", "scale: expected a mapping of min, max, objective, capacity …, found a list"),
    ("true", "scale: expected a mapping of min, max, objective"),
    ("{min: 5, max: 4}", "scale: min: 5 is above max: 4"),
    ("{min: 11}", "scale: min: 11 is above max: 10"),
    ("{max: 0}", "scale.max: expected a whole number from 1 to 1000, found 0"),
    ("{max: 1001}", "scale.max: expected a whole number from 1 to 1000, found 1001"),
    ("{min: -1}", "scale.min: expected a whole number from 0 to 1000, found -1"),
    ("{minimum: 1}", 'scale.minimum: unknown key; did you mean "min"?'),
    ("{target: {cpu: 60%}}", 'scale.target: unknown key; did you mean "targets"?'),
    ("{objective: 95%}", 'scale.objective: expected a bound such as p95 <= 250ms, found "95%"; from p50 to p99.99'),
    ("{objective: none}", "scale.objective: expected a bound such as p95 <= 250ms"),
    ("{objective: p49 <= 1s}", "scale.objective: expected a bound"),
    ("{objective: p100 <= 1s}", "scale.objective: expected a bound"),
    ("{objective: p95 >= 1s}", "scale.objective: expected a bound"),
    ("{objective: p95 <= 0s}", 'scale.objective: expected a duration from 1ms to 1m, found "0s"'),
    ("{objective: p95 <= 61s}", 'scale.objective: expected a duration from 1ms to 1m, found "61s"'),
    ("{objective: 250}", "scale.objective: expected a bound"),
    ("{capacity: 0}", "scale.capacity: expected a number from 0.001 to 999999, found 0"),
    ("{capacity: -5}", "scale.capacity: expected a number"),
    ("{capacity: .inf}", "scale.capacity: expected a number"),
    ("{capacity: 10, targets: {cpu: 60%}}", "scale: capacity is of use only with an objective"),
    ("{targets: {}}", "scale.targets: expected 1 to 16 entries, found 0"),
    ("{targets: [cpu]}", "scale.targets: expected a mapping of cpu, memory, requests, in-flight …, found a list"),
    ("{targets: {cpuu: 60%}}", 'scale.targets.cpuu: unknown key; did you mean "cpu"? (known: cpu, memory, requests, in-flight, latency, errors; one of your own takes a mapping of sqs, prometheus, http, cloudwatch …)'),
    ("{targets: {in_flight: 4}}", 'scale.targets.in_flight: unknown key; did you mean "in-flight"?'),
    ("{targets: {cpu: 60%, cpu: 70%}}", "scale.targets.cpu: the same key is already on line 1"),
    ("{targets: {cpu: 60}}", "scale.targets.cpu: expected a percentage from 1% to 1000%, found 60; write it with its sign, such as 60%"),
    ("{targets: {cpu: 0.6}}", "write it with its sign, such as 60%"),
    ("{targets: {cpu: 0%}}", 'scale.targets.cpu: expected a percentage from 1% to 1000%, found "0%"'),
    ("{targets: {cpu: -60%}}", "scale.targets.cpu: expected a percentage"),
    ("{targets: {cpu: .nan}}", "scale.targets.cpu: expected a percentage"),
    ("{targets: {memory: 101%}}", "scale.targets.memory: expected a percentage from 1% to 100%"),
    ("{targets: {errors: 0%}}", "scale.targets.errors: expected a percentage from 0.01% to 100%"),
    ("{targets: {requests: 0}}", f"scale.targets.requests: {NUMBER}, found 0"),
    ("{targets: {requests: -1}}", f"scale.targets.requests: {NUMBER}"),
    ("{targets: {requests: .nan}}", f"scale.targets.requests: {NUMBER}"),
    ("{targets: {requests: .inf}}", f"scale.targets.requests: {NUMBER}"),
    ("{targets: {requests: 1e308}}", f"scale.targets.requests: {NUMBER}"),
    ("{targets: {requests: 30%}}", f"scale.targets.requests: {NUMBER}"),
    ("{targets: {in-flight: []}}", f"scale.targets.in-flight: {NUMBER}"),
    ("{targets: {latency: 200ms}}", "scale.targets.latency: expected a bound such as p95 <= 250ms"),
    ("{targets: {objective: {http: 'http://h/', target: 1}}}", "scale.targets: objective has a key of its own, beside targets"),
    ("{targets: {Queue: {http: 'http://h/', target: 1}}}", "scale.targets.Queue: expected a name of lower-case letters"),
    ("{targets: {q: {target: 1}}}", "scale.targets.q: one of sqs, prometheus, http or cloudwatch is needed"),
    ("{targets: {q: {http: 'http://h/'}}}", 'scale.targets.q: "target" is missing'),
    ("{targets: {q: {http: 'http://h/', target: 0}}}", f"scale.targets.q.target: {NUMBER}, found 0"),
    ("{targets: {q: {http: 'http://h/', target: -.inf}}}", f"scale.targets.q.target: {NUMBER}"),
    (f"{{targets: {{q: {{http: 'http://h/', sqs: '{QUEUE}', target: 1}}}}}}", "scale.targets.q.sqs: cannot be given together with http"),
    ("{targets: {q: {http: 'ftp://h/', target: 1}}}", f'scale.targets.q.http: {URL} http://127.0.0.1:9000/stats, found "ftp://h/"; begin with http:// or https://'),
    ("{targets: {q: {http: 'file:///etc/passwd', target: 1}}}", "begin with http:// or https://"),
    ("{targets: {q: {http: '127.0.0.1:9000', target: 1}}}", "begin with http:// or https://"),
    ("{targets: {q: {http: 'http://u:p@h/', target: 1}}}", "credentials do not belong in the settings; name a token_file"),
    ("{targets: {q: {prometheus: 'http://u@h', query: x, target: 1}}}", "credentials do not belong in the settings"),
    ("{targets: {q: {http: 'http://h/a b', target: 1}}}", f"scale.targets.q.http: {URL}"),
    ('{targets: {q: {http: "http://h/a\\r\\nX: y", target: 1}}}', f"scale.targets.q.http: {URL}"),
    ('{targets: {q: {http: "http://h\\0/", target: 1}}}', f"scale.targets.q.http: {URL}"),
    ("{targets: {q: {http: 'http://h:70000/', target: 1}}}", f"scale.targets.q.http: {URL}"),
    ("{targets: {q: {http: 'http://h/#x', target: 1}}}", "leave out what follows #"),
    ("{targets: {q: {http: 'http://[::1]/', target: 1}}}", "IPv6 addresses are not built yet"),
    (f"{{targets: {{q: {{http: 'http://h/{'a' * 1024}', target: 1}}}}}}", "of at most 1024 characters"),
    ("{targets: {q: {prometheus: 'http://h/?x=1', query: x, target: 1}}}", f"scale.targets.q.prometheus: {URL} http://127.0.0.1:9090"),
    ("{targets: {q: {prometheus: 'http://h', target: 1}}}", "scale.targets.q.prometheus: is of use only with query, which is not given"),
    ('{targets: {q: {prometheus: "http://h", query: "a\\0", target: 1}}}', "scale.targets.q.query: expected a Prometheus query"),
    ("{targets: {q: {http: 'http://h/', query: x, target: 1}}}", "scale.targets.q.query: is of use only with prometheus"),
    ("{targets: {q: {http: 'http://h/', path: a..b, target: 1}}}", "scale.targets.q.path: expected the way to a number"),
    ("{targets: {q: {http: 'http://h/', region: eu-west-1, target: 1}}}", "scale.targets.q: region is of use only with sqs or cloudwatch, not with http"),
    (f"{{targets: {{q: {{sqs: '{QUEUE}', token_file: x, target: 1}}}}}}", "scale.targets.q: token_file is of use only with prometheus or http, not with sqs"),
    ("{targets: {q: {sqs: 'https://sqs/jobs', target: 1}}}", "scale.targets.q.sqs: expected the URL of an SQS queue"),
    ("{targets: {q: {http: 'http://h/', share: each, target: 1}}}", "scale.targets.q.share: expected endpoint or average"),
    ("{targets: {q: {http: 'http://h/', max_age: 0s, target: 1}}}", "scale.targets.q.max_age: expected a duration from 1s to 1h"),
    ("{targets: {q: {cloudwatch: [], target: 1}}}", "scale.targets.q.cloudwatch: expected 1 to 10 items, found 0"),
    ("{targets: {q: {cloudwatch: {id: m1}, target: 1}}}", "scale.targets.q.cloudwatch: one of metric or expression is needed"),
    ("{targets: {q: {cloudwatch: {metric: X}, target: 1}}}", "cloudwatch.metric: is of use only with namespace, which is not given"),
    ("{targets: {q: {cloudwatch: {metric: X, namespace: A, expression: m1}, target: 1}}}", "scale.targets.q.cloudwatch.expression: cannot be given together with metric"),
    ("{targets: {q: {cloudwatch: {metric: X, namespace: A, period: 45s}, target: 1}}}", "period: CloudWatch has 1s, 5s, 10s, 20s, 30s and whole minutes"),
    ("{targets: {q: {cloudwatch: {metric: X, namespace: A, period: 500ms}, target: 1}}}", "period: expected a duration from 1s to 24h"),
    ("{targets: {q: {cloudwatch: {metric: X, namespace: A, statistic: Mean}, target: 1}}}", "statistic: expected Average, Sum,"),
    ("{targets: {q: {cloudwatch: {metric: X, namespace: A, id: M1}, target: 1}}}", "id: expected an id of letters"),
    ("{targets: {q: {cloudwatch: [{metric: X, namespace: A}, {metric: Y, namespace: A, id: m1}], target: 1}}}", "scale.targets.q: cloudwatch: two queries have the id m1"),
    ("{targets: {q: {cloudwatch: [{metric: X, namespace: A}, {expression: m1/m3}], target: 1}}}", "scale.targets.q: cloudwatch: m2 names m3, which is no id of these queries"),
    ("{out: {mst: 4}}", 'scale.out.mst: unknown key; did you mean "most"?'),
    ("{out: {most: 0}}", "scale.out.most: expected a whole number from 1 to 1000, found 0"),
    ("{out: {percent: 0%}}", "scale.out.percent: expected a percentage from 1% to 9999%"),
    ("{out: {period: 15s}}", "scale.out: period is of use only with most or percent"),
    ("{in: {cooldown: 2h}}", 'scale.in.cooldown: expected a duration from 0s to 1h, found "2h"'),
    ("{schedules: []}", "scale.schedules: expected 1 to 32 items, found 0"),
    ("{schedules: {cron: 0 8 * * *}}", "scale.schedules: expected a list of schedules"),
    ("{schedules: [{cron: 0 8 * * *, for: 1h}]}", "scale.schedules[0]: one of min or max is needed"),
    ("{schedules: [{cron: 0 8 * * *, min: 2}]}", 'scale.schedules[0]: "for" is missing'),
    ("{schedules: [{for: 1h, min: 2}]}", 'scale.schedules[0]: "cron" is missing'),
    ("{schedules: [{cron: 0 25 * * *, for: 1h, min: 2}]}", "scale.schedules[0].cron: hour: expected 0 to 23, found 25"),
    ("{schedules: [{cron: 0 8 * *, for: 1h, min: 2}]}", "scale.schedules[0].cron: expected five fields"),
    ("{schedules: [{cron: daily!, for: 1h, min: 2}]}", "scale.schedules[0].cron: expected five cron fields such as"),
    ("{schedules: [{cron: 0 8 30 2 *, for: 1h, min: 2}]}", "scale.schedules[0].cron: day 30 does not come in these months"),
    ("{schedules: [{cron: 0 8 * * *, for: 30s, min: 2}]}", "scale.schedules[0].for: expected a duration from 1m to 168h"),
    ("{schedules: [{cron: 0 8 * * *, for: 169h, min: 2}]}", "scale.schedules[0].for: expected a duration from 1m to 168h"),
    ("{schedules: [{cron: 0 8 * * *, zone: Europe/Berlim, for: 1h, min: 2}]}", 'scale.schedules[0].zone: this machine knows no time zone Europe/Berlim; did you mean "Europe/Berlin"?'),
    ("{schedules: [{cron: 0 8 * * *, zone: Nowhere, for: 1h, min: 2}]}", "knows no time zone Nowhere; "),
    ("{schedules: [{cron: 0 8 * * *, zone: ../x, for: 1h, min: 2}]}", "scale.schedules[0].zone: expected a time zone such as Europe/Berlin"),
    ("{schedules: [{cron: 0 8 * * *, for: 1h, min: 5, max: 4}]}", "scale: schedules[0]: min: 5 is above max: 4"),
    ("{schedules: [{cron: 0 8 * * *, for: 1h, min: 11}]}", "scale: schedules[0]: min: 11 is above max: 10"),
    ("{min: 3, schedules: [{cron: 0 8 * * *, for: 1h, max: 4}, {cron: 0 8 * * *, for: 1h, max: 2}]}", "scale: schedules[1]: min: 3 is above max: 2"),
    ("{predictive: yes}", "scale.predictive: expected true or false, found yes"),
    ("{keep_alive: 15m}", "scale: keep_alive is of use only with min: 0"),
    ("{min: 0, keep_alive: 0s}", "scale.keep_alive: expected a duration from 1s to 168h"),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "told"), WRONG)
def test_what_is_refused(inside: str, told: str) -> None:
    (problem,) = problems(f"services: {{a: {{run: [x], scale: {inside}}}}}", "f")
    assert str(problem).startswith("f:1: services.a.scale")
    assert told in str(problem)


def test_too_many_of_anything_are_refused() -> None:
    targets = ", ".join(f"t{n}: {{http: 'http://h/', target: 1}}" for n in range(17))
    schedule = "{cron: 0 8 * * *, for: 1h, min: 2}"
    queries = ", ".join(["{namespace: A, metric: B}"] * 11)
    for inside, told in [
        (f"{{targets: {{{targets}}}}}", "scale.targets: expected 1 to 16 entries, found 17"),
        (f"{{schedules: [{', '.join([schedule] * 33)}]}}", "expected 1 to 32 items, found 33"),
        (
            f"{{targets: {{q: {{cloudwatch: [{queries}], target: 1}}}}}}",
            "expected 1 to 10 items, found 11",
        ),
    ]:
        (problem,) = problems(f"services: {{a: {{run: [x], scale: {inside}}}}}", "f")
        assert told in str(problem)


def test_every_problem_is_told_with_the_line_of_its_own_key() -> None:
    wrong = (
        WHOLE.replace("cpu: 60%", "cpu: 60")
        .replace("in-flight: 4.5", "in-flight: x")
        .replace("Europe/Berlin", "Europe/Berlim")
        .replace("predictive: false", "predictive: no")
    )
    assert [(one.line, one.message.partition(":")[0]) for one in problems(wrong, "f")] == [
        (10, "services.a.scale.targets.cpu"),
        (13, "services.a.scale.targets.in-flight"),
        (27, "services.a.scale.schedules[0].zone"),
        (29, "services.a.scale.predictive"),
    ]


def test_endpoints_that_somebody_else_runs_are_not_scaled() -> None:
    (problem,) = problems("services: {a: {endpoints: ['b:1'], scale: {max: 2}}}", "f")
    assert "services.a.scale: cannot be given together with endpoints" in str(problem)


@pytest.mark.parametrize(
    ("scale", "told"),
    [
        ("{min: 0, targets: {cpu: 60%}}", "scale.min 0 needs more"),
        (
            "{targets: {cpu: 60%}, schedules: [{cron: 0 0 * * *, for: 6h, min: 0}]}",
            "scale.min 0 needs more",
        ),
        ("{max: 4}", "objective"),
        ("{targets: {requests: 5}}", "requests"),
        ("{targets: {cpu: 60%, latency: p95 <= 1s}}", "latency"),
    ],
)
def test_what_a_plain_nginx_cannot_see_or_do_is_refused(scale: str, told: str) -> None:
    service = f"services:\n  a:\n    run: [x]\n    scale: {scale}\n"
    (problem,) = problems(f"proxy: {{kind: plain}}\n{service}", "f")
    assert problem.line == 3
    assert told in str(problem)
    assert problems(service) == []


def test_a_plain_nginx_leaves_what_others_measure() -> None:
    scale = f"{{targets: {{cpu: 60%, q: {{sqs: '{QUEUE}', target: 5}}}}}}"
    assert problems(f"proxy: {{kind: plain}}\nservices: {{a: {{run: [x], scale: {scale}}}}}") == []


SCHEMA_CANNOT = (
    "is above max", "of use only with an objective", "the same key", "has a key of its own",
    "region is of use", "token_file is of use", "two queries", "names m3", "with most or percent",
    "keep_alive is of use", "expected a duration", "hour: ", "five fields", "does not come",
    "knows no time zone", "expected a percentage", "requests: expected a number", "found yes", "CloudWatch has 1s", "leave out what",
)  # fmt: skip
"""Rules between keys, bounds of what is written as text; NaN and yes, which YAML makes of it."""


@pytest.mark.parametrize(
    "inside", [inside for inside, told in WRONG if not any(word in told for word in SCHEMA_CANNOT)]
)
def test_the_schema_refuses_it_too(inside: str) -> None:
    text = f"services: {{a: {{run: [x], scale: {inside}}}}}"
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def test_the_schema_takes_all_of_it() -> None:
    VALIDATOR.validate(yaml.safe_load(WHOLE))


PIECES = [
    "p95",
    " ",
    "<=",
    "≤",
    "60%",
    "0",
    "-1",
    ".nan",
    "1e308",
    "s",
    "http://",
    "h/",
    "@",
    "{}",
    "[]",
    "* * * * *",
    "UTC",
    "\x07",
    "9" * 30,
]


@given(
    st.sampled_from(
        ["objective", "capacity", "targets", "out", "in", "schedules", "keep_alive", "min"]
    ),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
)
def test_whatever_stands_there_is_read_or_refused_with_its_line(key: str, value: str) -> None:
    quoted = json.dumps(value)
    for text in (quoted, value):
        whole = f"services:\n  a:\n    run: [x]\n    scale:\n      {key}: {text}\n"
        for problem in problems(whole, "f"):
            assert problem.line >= 1
            assert all(c.isprintable() for c in str(problem))


def _spans(*seconds: float) -> st.SearchStrategy[float]:
    return st.sampled_from(seconds)


PACES = st.builds(
    Pace,
    most=st.integers(1, 1000),
    percent=st.integers(1, 9999).map(float),
    period=_spans(1.0, 15.0, 3600.0),
    cooldown=_spans(0.0, 90.5, 3600.0),
    stabilisation=_spans(0.0, 180.0, 86400.0),
)
TARGETS = st.one_of(
    st.builds(
        Target,
        st.just("cpu"),
        st.just(Metric(Source.CPU)),
        st.sampled_from([0.01, 0.605, 10.0]),
        st.just(Share.AVERAGE),
    ),
    st.builds(
        Target,
        st.just("requests"),
        st.just(Metric(Source.REQUESTS)),
        st.sampled_from([0.001, 30.0, 999999999.0]),
    ),
    st.builds(
        Target,
        st.sampled_from(["a", "queue-1"]),
        st.builds(
            Metric,
            st.just(Source.HTTP),
            url=st.just("https://h:1/x"),
            path=st.just("a.0"),
            max_age=_spans(1.0, 3600.0),
        ),
        st.sampled_from([0.5, 20.0]),
        st.sampled_from(Share),
    ),
)
SCALES = st.builds(
    Scale,
    min=st.integers(0, 5),
    max=st.integers(5, 1000),
    objective=st.builds(
        Objective, _spans(0.001, 0.25, 60.0), st.sampled_from([0.5, 0.05, 0.001, 0.0001])
    ),
    targets=st.lists(TARGETS, max_size=3, unique_by=lambda target: target.name).map(tuple),
    capacity=st.sampled_from([0.001, 50.0, 999999.0]),
    out=PACES,
    inward=PACES,
    predictive=st.booleans(),
)


def _written(scale: Scale) -> dict[str, object]:
    def pace(of: Pace) -> dict[str, object]:
        spans = {name: getattr(of, name) for name in ("period", "cooldown", "stabilisation")}
        return {"most": of.most, "percent": f"{of.percent:g}%", **spans}

    def target(of: Target) -> object:
        metric = of.metric
        if metric.source is Source.HTTP:
            return {
                "http": metric.url,
                "path": metric.path,
                "max_age": metric.max_age,
                "target": of.value,
                "share": str(of.share),
            }
        return f"{of.value * 100:g}%" if metric.source is Source.CPU else of.value

    assert scale.objective is not None
    objective = f"p{100 - 100 * scale.objective.budget:g} <= {scale.objective.latency * 1000:g}ms"
    inside = {name: getattr(scale, name) for name in ("min", "max", "capacity", "predictive")}
    targets = {one.name: target(one) for one in scale.targets}
    written = {**inside, "objective": objective, "out": pace(scale.out), "in": pace(scale.inward)}
    return {**written, "targets": targets} if targets else written


@given(SCALES)
def test_what_is_written_is_what_is_read(scale: Scale) -> None:
    document = {"services": {"a": {"run": ["x"], "scale": _written(scale)}}}
    VALIDATOR.validate(document)
    assert _service(json.dumps(document)).scale == scale
