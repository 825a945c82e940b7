"""The keys of `scale.targets:`: fairlead's own metrics, by name, and those that others keep."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from fairlead.core.scaling.policy import CloudWatchQuery, Metric, Objective, Share, Source, Target
from fairlead.settings import scale_words, words
from fairlead.settings.groups import ListOf, MapOf
from fairlead.settings.numbers import Duration, Number, Percent
from fairlead.settings.sections import Fields, Key, Section, fill
from fairlead.settings.texts import Choice, Written

_HOUR, _DAY = 3600.0, 86400.0
_VALUE = Number(0.001, 999_999_999)
_QUERY, _BLANK = CloudWatchQuery(""), Target("", Metric(Source.HTTP), 0.0)
_TAKEN = "objective"
"""What the objective is called beside the targets, in all that is told of a scaler."""
_BRIEF = {1, 5, 10, 20, 30}
_PLACES = ("sqs", "prometheus", "http", "cloudwatch")


def _share(percent: float) -> float:
    return round(percent / 100, 9)


def _period_is_one_of_cloudwatchs(query: Fields) -> str:
    period = query.get("period", 60.0)
    fits = period in _BRIEF or period % 60 == 0
    return "" if fits else "period: CloudWatch has 1s, 5s, 10s, 20s, 30s and whole minutes"


def _as_query(fields: Fields) -> CloudWatchQuery:
    query = fill(_QUERY, fields)
    return replace(query, period=int(query.period))


def _numbered(queries: list[CloudWatchQuery]) -> tuple[CloudWatchQuery, ...]:
    """Each with an id, as CloudWatch needs it."""
    return tuple(replace(one, id=one.id or f"m{at}") for at, one in enumerate(queries, 1))


def _as_dimensions(given: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


_CLOUDWATCH = Section(
    (
        Key("id", scale_words.QUERY_ID, "What expressions call it.", "id",
            default="m1, m2 … by its place"),
        Key("namespace", scale_words.NAMESPACE, "The metric's namespace.", "namespace",
            default="none", needs="metric"),
        Key("metric", scale_words.METRIC, "The metric's name.", "metric", default="none",
            needs="namespace"),
        Key("dimensions",
            MapOf(scale_words.DIMENSION, Written("a dimension's value", 1024),
                  "dimensions: {QueueName: jobs}", 30, _as_dimensions),
            "Its dimensions, all of them.", "dimensions", default="none", needs="metric"),
        Key("statistic", scale_words.STATISTIC, "What is taken of a period's values.",
            "statistic", needs="metric"),
        Key("period", Duration(1, _DAY), "The time that one value is of.", "period",
            needs="metric"),
        Key("expression", scale_words.EXPRESSION,
            "Metric math over the others' ids, such as `m1 / 60`.", "expression", default="none",
            excludes=("metric",)),
    ),
    model=_QUERY,
    make=_as_query,
    any_of=("metric", "expression"),
    rule=_period_is_one_of_cloudwatchs,
)  # fmt: skip


def _further(place: str) -> tuple[str, ...]:
    """The places after this one: of two that are given one complains."""
    return _PLACES[_PLACES.index(place) + 1 :]


def _source(place: Source) -> tuple[tuple[str, Any], ...]:
    return (("metric.source", place),)


def _what_fits(target: Fields) -> str:
    """A key that does nothing is a mistake."""
    place = target["metric.source"]
    if "metric.region" in target and place not in {Source.SQS, Source.CLOUDWATCH}:
        return f"region is of use only with sqs or cloudwatch, not with {place}"
    if "metric.token_file" in target and place not in {Source.PROMETHEUS, Source.HTTP}:
        return f"token_file is of use only with prometheus or http, not with {place}"
    return _ids_fit(target.get("metric.queries", ()))


def _ids_fit(queries: tuple[CloudWatchQuery, ...]) -> str:
    ids = [query.id for query in queries]
    if twice := next((one for one in ids if ids.count(one) > 1), ""):
        return f"cloudwatch: two queries have the id {twice}"
    for query in queries:
        if unknown := _names(query.expression) - set(ids):
            return f"cloudwatch: {query.id} names {min(unknown)}, which is no id of these queries"
    return ""


def _names(expression: str) -> set[str]:
    """The ids in metric math; functions are in capitals there, and Metrics Insights has none."""
    if expression.upper().startswith("SELECT"):
        return set()
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", expression)
    return set(re.findall(r"(?<![A-Za-z0-9_])[a-z][A-Za-z0-9_]*", bare))


def _as_target(fields: Fields) -> Target:
    return fill(_BLANK, fields)


_OTHERS_METRIC = Section(
    (
        Key("sqs", words.QUEUE, "The messages that wait in this SQS queue.", "metric.url",
            default="none", excludes=_further("sqs"), implies=_source(Source.SQS)),
        Key("prometheus", words.WEB_SERVER, "A Prometheus server, asked for `query`.",
            "metric.url", default="none", needs="query", excludes=_further("prometheus"),
            implies=_source(Source.PROMETHEUS)),
        Key("http", words.WEB_DOCUMENT, "A JSON document with the number at `path`.",
            "metric.url", default="none", excludes=_further("http"),
            implies=_source(Source.HTTP)),
        Key("cloudwatch",
            ListOf(_CLOUDWATCH, "queries, the last of which is the answer", 10, single=True,
                   make=_numbered),
            "CloudWatch metrics, and expressions over them.", "metric.queries", default="none",
            implies=_source(Source.CLOUDWATCH)),
        Key("target", _VALUE, "What the metric is to be kept at.", "value", required=True),
        Key("share", Choice(tuple(Share), Share),
            "endpoint: the metric is a sum, the target is for each endpoint. average: both are of "
            "one endpoint already.", "share"),
        Key("query", scale_words.QUESTION, "A query that gives one number.", "metric.query",
            default="none", needs="prometheus"),
        Key("path", scale_words.STEPS, "Names and places that lead to the number.", "metric.path",
            default="the document is the number", needs="http"),
        Key("region", words.REGION, "AWS's region.", "metric.region",
            default="as AWS's tools find it"),
        Key("token_file", words.ANY_FILE, "A file with the token that is sent as Bearer.",
            "metric.token_file", default="none"),
        Key("max_age", Duration(1, _HOUR), "An older value counts as none.", "metric.max_age"),
    ),
    model=_BLANK,
    make=_as_target,
    any_of=_PLACES,
    rule=_what_fits,
)  # fmt: skip


def _names_are_free(targets: Fields) -> str:
    return f"{_TAKEN} has a key of its own, beside targets" if _TAKEN in targets else ""


def _as_targets(fields: Fields) -> tuple[Target, ...]:
    return tuple(_named(name, value) for name, value in fields.items())


def _named(name: str, value: Any) -> Target:
    if isinstance(value, Target):
        return replace(value, name=name)
    if isinstance(value, Objective):
        metric = Metric(Source.LATENCY, percentile=round(1 - value.budget, 6))
        return Target(name, metric, value.latency, Share.AVERAGE)
    source = Source(name)
    each = source in {Source.REQUESTS, Source.IN_FLIGHT}
    return Target(name, Metric(source), value, Share.ENDPOINT if each else Share.AVERAGE)


TARGETS = Section(
    (
        Key("cpu", Percent(1, 1000, _share), "Use of the CPU that an endpoint may use.", "cpu",
            default="none"),
        Key("memory", Percent(1, 100, _share), "Use of the memory that an endpoint may use.",
            "memory", default="none"),
        Key("requests", _VALUE, "Requests a second of one endpoint.", "requests",
            default="none"),
        Key("in-flight", _VALUE, "Requests that one endpoint answers at a time.", "in-flight",
            default="none"),
        Key("latency", scale_words.Bound(), "Time to an answer, such as `p95 <= 200ms`.",
            "latency", default="none"),
        Key("errors", Percent(0.01, 100, _share), "Share of the requests that fail.", "errors",
            default="none"),
    ),
    make=_as_targets,
    rule=_names_are_free,
    others=(words.NAME, _OTHERS_METRIC),
    most=16,
)  # fmt: skip
