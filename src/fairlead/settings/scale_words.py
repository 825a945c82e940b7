"""The kinds of value that only `scale:` has: objectives, times of schedules, where metrics are."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from fairlead.core.errors import BadInput
from fairlead.core.scaling import words as told
from fairlead.core.scaling.cron import parse, zone_of
from fairlead.core.scaling.policy import Objective
from fairlead.settings.kinds import Kind, Schema
from fairlead.settings.numbers import Duration
from fairlead.settings.place import At
from fairlead.settings.texts import Text
from fairlead.settings.tree import Scalar

_BOUND = r"p((?:[5-9][0-9])(?:\.[0-9]{1,2})?) ?(?:<=|<|≤) ?([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m)"
_LATENCY = Duration(0.001, 60)


class Bound(Kind):
    """How many percent of the requests are to be faster than what: an Objective."""

    expected = "a bound such as p95 <= 250ms"

    def read(self, at: At) -> Objective:
        match = re.fullmatch(_BOUND, self.text(at))
        if match is None:
            hint = "from p50 to p99.99: of 100 requests so many are answered in that time"
            raise at.unexpected(self.expected, hint)
        time = Scalar(at.line, match[2] + match[3], "text")
        latency = _LATENCY.read(replace(at, node=time))
        return Objective(latency, round(1 - float(match[1]) / 100, 6))

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{_BOUND}$"}

    def write(self, value: Any) -> str:
        return told.objective(value)


class CronText(Text):
    """Five fields, with one space between them."""

    def read(self, at: At) -> str:
        fields = " ".join(str(super().read(at)).split())
        try:
            parse(fields)
        except BadInput as problem:
            raise at.wrong(str(problem)) from None
        return fields


class Zone(Text):
    """A time zone that this machine knows."""

    def read(self, at: At) -> str:
        name = str(super().read(at))
        try:
            zone_of(name)
        except BadInput as problem:
            raise at.wrong(f"{problem}; {_guess(name)}") from None
        return name


def _guess(name: str) -> str:
    from zoneinfo import available_timezones

    known = available_timezones()
    if not known:
        return "it knows UTC only: install tzdata"
    near = get_close_matches(name, known, 1)
    return f'did you mean "{near[0]}"?' if near else "write one such as Europe/Berlin or UTC"


CRON = CronText('five cron fields such as "0 8 * * mon-fri"', "[0-9A-Za-z*,/# \t-]+", 255)
ZONE = Zone("a time zone such as Europe/Berlin", "[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", 64)

STEPS = Text(
    "the way to a number in a JSON document, such as data.0.depth",
    r"[A-Za-z0-9_$-]{1,64}(?:\.[A-Za-z0-9_$-]{1,64}){0,15}",
    255,
)
QUESTION = Text(
    "a Prometheus query", "[^\\u0000-\\u0008\\u000b-\\u001f\\u007f\\ud800-\\udfff]+", 4096
)
EXPRESSION = Text(
    "a CloudWatch expression", "[^\\u0000-\\u0008\\u000b-\\u001f\\u007f\\ud800-\\udfff]+", 1024
)
QUERY_ID = Text(
    "an id of letters, digits and _ that begins with a small letter", "[a-z][A-Za-z0-9_]*", 255
)
NAMESPACE = Text(
    "a CloudWatch namespace such as AWS/SQS", "[A-Za-z0-9./_#-][A-Za-z0-9./_#:-]*", 255
)
METRIC = Text("a metric's name", "[ -~]+", 255)
DIMENSION = Text("a dimension's name", "[!-9;-~][ -~]*", 255)
STATISTIC = Text(
    "Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p95",
    r"Average|Sum|Minimum|Maximum|SampleCount|p[0-9]{1,2}(?:\.[0-9]{1,2})?",
    16,
)
