"""A query that a Prometheus server answers with one number.

The API is that of prometheus.io/docs/prometheus/latest/querying/api. An instant query's samples
carry the time of the evaluation, though a series that is not scraped any more is answered for five
minutes with its last sample: that sample's own time is what `timestamp()` gives of a selector.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fairlead.core.errors import MeterError
from fairlead.core.scaling.policy import Metric
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.document import decoded
from fairlead.meters.values import MOST, parsed, shown
from fairlead.meters.web import get
from fairlead.wire import Response

_TOO_MANY = "the query gives {0} series, one is wanted: aggregate them, as in sum(…) or max(…)"


class PrometheusMeter:
    """Implements ports.Meter. `metric.url` is the server's, without /api/v1; all times are its."""

    def period(self, metric: Metric) -> float:  # noqa: ARG002
        """Whatever its query reckons over, it does so up to this moment."""
        return 0.0

    async def read(self, service: str, metric: Metric) -> Reading:  # noqa: ARG002
        kind, sample = await _ask(metric, {"query": metric.query})
        when, value = _time(sample), parsed(sample[1], "the query's value")
        if kind == "vector":
            when = min(when, await _sampled(metric, sample[0]))
        return Reading(value, when)


async def _sampled(metric: Metric, evaluated: Any) -> float:
    """When what was evaluated then had been scraped."""
    query = f"timestamp(\n{metric.query}\n)"
    _, sample = await _ask(metric, {"query": query, "time": str(evaluated)})
    return parsed(sample[1], "the sample's time")


async def _ask(metric: Metric, parameters: dict[str, str]) -> tuple[str, list[Any]]:
    url = f"{metric.url.rstrip('/')}/api/v1/query?{urlencode(parameters)}"
    return _sample(_data(await get(url, metric.token_file)))


def _data(response: Response) -> dict[str, Any]:
    """Of a success; the API tells errors as JSON too, with statuses of 400, 422 and 503."""
    try:
        answer = decoded(response)
    except MeterError:
        if response.status == 200:
            raise
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    if answer.get("status") == "error":
        raise MeterError(f"Prometheus refuses the query: {_told(answer.get('error'))}")
    data = answer.get("data")
    if response.status != 200 or answer.get("status") != "success" or not isinstance(data, dict):
        raise MeterError(f"status {response.status}, and not an answer of Prometheus' API")
    return data


def _sample(data: dict[str, Any]) -> tuple[str, list[Any]]:
    """The kind of the result, and its only sample: a time and the value as a text."""
    kind, result = data.get("resultType"), data.get("result")
    if kind not in ("vector", "scalar") or not isinstance(result, list):
        raise MeterError(f"the query gives {shown(kind)}; a vector of one or a scalar is wanted")
    if kind == "scalar":
        return kind, _pair(result)
    if not result:
        raise MeterError("the query finds no series with a value of now")
    if len(result) > 1:
        raise MeterError(_TOO_MANY.format(len(result)))
    series = result[0]
    return kind, _pair(series.get("value") if isinstance(series, dict) else None)


def _pair(sample: Any) -> list[Any]:
    if not isinstance(sample, list) or len(sample) != 2:
        raise MeterError("the answer's sample is no pair of a time and a value")
    return sample


def _time(sample: list[Any]) -> float:
    when = sample[0]
    if isinstance(when, bool) or not isinstance(when, (int, float)) or not 0 <= when <= MOST:
        raise MeterError(f"the answer's time is {shown(when)}, which is none")
    return float(when)


def _told(error: Any) -> str:
    text = error if isinstance(error, str) else "without a reason"
    return "".join(c if c.isprintable() else " " for c in text[:200])
