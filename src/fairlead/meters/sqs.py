"""How much work a queue of SQS holds.

That is what waits (ApproximateNumberOfMessages) and what is being worked on (…NotVisible): a worker
that has taken its message is still wanted. Delayed messages are no work yet. AWS counts roughly,
and up to a minute late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from fairlead.aws.client import Call
from fairlead.core.errors import MeterError, PlatformError
from fairlead.core.scaling.policy import Metric
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.values import checked, parsed
from fairlead.ports import Clock

COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class SqsMeter:
    """Implements ports.Meter. `call_in` gives the calls of a region (empty: AWS's own setting)."""

    def __init__(self, call_in: Callable[[str], Call], clock: Clock) -> None:
        self._call_in, self._clock = call_in, clock

    def period(self, metric: Metric) -> float:  # noqa: ARG002
        """What it is at this moment, as far as AWS knows."""
        return 0.0

    async def read(self, service: str, metric: Metric) -> Reading:  # noqa: ARG002
        call, asked = self._call_in(metric.region or region_of(metric.url)), self._clock.wall()
        try:
            answer = await call(
                "sqs:GetQueueAttributes", QueueUrl=metric.url, AttributeNames=list(COUNTS)
            )
        except PlatformError as error:
            raise MeterError(str(error)) from error
        found = answer.get("Attributes")
        counts = [_count(found if isinstance(found, Mapping) else {}, name) for name in COUNTS]
        return Reading(checked(sum(counts), "the queue's depth"), asked)


def region_of(url: str) -> str:
    """`sqs.eu-west-1.amazonaws.com` names the region; empty where a URL names none."""
    host = urlsplit(url).hostname or ""
    service, _, rest = host.partition(".")
    region, _, domain = rest.partition(".")
    return region if service == "sqs" and domain.startswith("amazonaws.") else ""


def _count(attributes: Mapping[str, Any], name: str) -> float:
    return parsed(attributes.get(name), name)
