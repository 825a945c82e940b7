"""A number in a JSON document that a server gives: a queue's own statistics page, for one."""

from __future__ import annotations

from typing import Any

import msgspec

from fairlead.core.errors import MeterError
from fairlead.core.scaling.policy import Metric
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.values import checked, shown
from fairlead.meters.web import get
from fairlead.ports import Clock
from fairlead.wire import Response


class DocumentMeter:
    """Implements ports.Meter. A value is of the time when it was asked for, or older by what the
    answer says that it was kept in caches (`Age`, RFC 9111, 5.1)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def period(self, metric: Metric) -> float:  # noqa: ARG002
        """What it is at this moment."""
        return 0.0

    async def read(self, service: str, metric: Metric) -> Reading:  # noqa: ARG002
        asked = self._clock.wall()
        response = await get(metric.url, metric.token_file)
        if response.status != 200:
            raise MeterError(f"the document's server answered with status {response.status}")
        value = at(decoded(response), metric.path)
        return Reading(checked(value, metric.path or "the document"), asked - _age(response))


def decoded(response: Response) -> Any:
    """What the body says. MeterError when it is no JSON, or nested beyond reason."""
    try:
        return msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MeterError(f"the answer is no JSON: {shown(str(error))}") from error


def at(document: Any, path: str) -> Any:
    """The value that a path of names and, in lists, numbers from 0 leads to: `data.0.value`."""
    value = document
    for key in path.split(".") if path else ():
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key[:9]) < len(value):
            value = value[int(key[:9])]
        else:
            raise MeterError(f"the document has no {path}: there is no {shown(key)}")
    return value


def _age(response: Response) -> float:
    age = dict(response.headers).get("age", "0")
    return float(age) if age.isascii() and age.isdecimal() and len(age) < 10 else 0.0
