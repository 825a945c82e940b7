"""CloudWatch's metrics, with metric math: one GetMetricData a period.

Each metric of a call costs $0.01 per 1,000, so one a minute is some 44 cents a month. A datapoint
is of the minute (its period) that begins at its time, and is taken once that is over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fairlead.aws.client import Answer, Call
from fairlead.core.errors import MeterError, PlatformError
from fairlead.core.scaling.policy import CloudWatchQuery, Metric
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.values import checked, shown
from fairlead.ports import Clock

PERIODS = 5
"""So far back is asked: CloudWatch is a minute or two late, and some metrics have gaps."""


class CloudWatchMeter:
    """Implements ports.Meter. `call_in` gives the calls of a region (empty: AWS's own setting)."""

    def __init__(self, call_in: Callable[[str], Call], clock: Clock) -> None:
        self._call_in, self._clock = call_in, clock

    def period(self, metric: Metric) -> float:
        """The longest of its queries': the answer's is that one."""
        return float(max((query.period for query in metric.queries), default=60))

    async def read(self, service: str, metric: Metric) -> Reading:  # noqa: ARG002
        if not metric.queries:
            raise MeterError("the metric has no queries of CloudWatch")
        now, wanted = self._clock.wall(), metric.queries[-1]
        period = self.period(metric)
        end = math.ceil(now / 60) * 60
        try:
            answer = await self._call_in(metric.region)(
                "cloudwatch:GetMetricData",
                MetricDataQueries=queries(metric.queries),
                StartTime=end - max(60, period) * PERIODS,
                EndTime=end,
                ScanBy="TimestampDescending",
            )
        except PlatformError as error:
            raise MeterError(str(error)) from error
        return newest(answer, wanted.id, period, now)


def queries(wanted: Sequence[CloudWatchQuery]) -> list[dict[str, Any]]:
    """As the API has them; only the last one's data come back."""
    return [{**_query(each), "ReturnData": each is wanted[-1]} for each in wanted]


def _query(query: CloudWatchQuery) -> dict[str, Any]:
    if query.expression:
        insights = query.expression.lstrip().upper().startswith("SELECT")
        period = {"Period": query.period} if insights else {}
        return {"Id": query.id, "Expression": query.expression, **period}
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions]
    named = {"Namespace": query.namespace, "MetricName": query.metric, "Dimensions": dimensions}
    stat = {"Metric": named, "Period": query.period, "Stat": query.statistic}
    return {"Id": query.id, "MetricStat": stat}


def newest(answer: Answer, name: str, period: float, now: float) -> Reading:
    """The last datapoint whose period is over. MeterError when there is none."""
    result = _result(answer, name)
    times, values = result.get("Timestamps"), result.get("Values")
    if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        raise MeterError(f"CloudWatch's answer holds no datapoints of {name}")
    ended = [(_since_epoch(t) + period, v) for t, v in zip(times, values, strict=True)]
    over = [(end, value) for end, value in ended if end <= now]
    if not over:
        raise MeterError(f"CloudWatch has no whole datapoint of {name}{_said(answer, result)}")
    end, value = max(over, key=lambda point: point[0])
    return Reading(checked(value, f"the value of {name}"), end)


def _result(answer: Answer, name: str) -> Mapping[str, Any]:
    results = answer.get("MetricDataResults")
    for each in results if isinstance(results, list) else ():
        if isinstance(each, Mapping) and each.get("Id") == name:
            if each.get("StatusCode") in ("InternalError", "Forbidden"):
                raise MeterError(f"CloudWatch fails at {name}{_said(answer, each)}")
            return each
    raise MeterError(f"CloudWatch's answer says nothing of {name}{_said(answer, {})}")


def _said(answer: Answer, result: Mapping[str, Any]) -> str:
    """Why, as far as the answer tells."""
    messages = [*_list(result.get("Messages")), *_list(answer.get("Messages"))]
    told = [each.get("Value") for each in messages if isinstance(each, Mapping)]
    code = result.get("StatusCode")
    words = [text[:200] for text in told if isinstance(text, str)]
    return f": {'; '.join(words) or code}" if words or code not in (None, "Complete") else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _since_epoch(time: Any) -> float:
    if not isinstance(time, datetime):
        raise MeterError(f"a datapoint's time is {shown(time)}, which is none")
    return time.timestamp()
