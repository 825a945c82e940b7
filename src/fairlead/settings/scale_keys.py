"""The keys of a service's `scale:`."""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.core.scaling.policy import Scale, Schedule
from fairlead.core.scaling.schedules import LONGEST, bounds_of, may_sleep
from fairlead.settings import scale_words
from fairlead.settings.groups import ListOf
from fairlead.settings.numbers import Duration, Integer, Number, Percent
from fairlead.settings.sections import Fields, Key, Section, fill
from fairlead.settings.target_keys import TARGETS
from fairlead.settings.texts import Flag

_DEFAULT = Scale()
_MOST = 1000
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def _paced(fields: Fields, way: str) -> str:
    """A key that does nothing is a mistake."""
    bound = f"{way}.most" in fields or f"{way}.percent" in fields
    idle = f"{way}.period" in fields and not bound
    return "period is of use only with most or percent" if idle else ""


def _pace(way: str, unit: str) -> Section:
    return Section(
        (
            Key("most", Integer(1, _MOST), f"Endpoints {unit} in a `period`; of `most` and "
                "`percent` the one that allows more holds.", f"{way}.most", default="no bound"),
            Key("percent", Percent(1, 10_000 - 1), "As `most`, of those that there are.",
                f"{way}.percent", default="no bound"),
            Key("period", Duration(1, _HOUR), "What `most` and `percent` are for.",
                f"{way}.period"),
            Key("cooldown", Duration(0, _HOUR), "Least time between two such changes.",
                f"{way}.cooldown"),
            Key("stabilisation", Duration(0, _DAY), "The mildest of what was wanted in this time "
                "is done.", f"{way}.stabilisation"),
        ),
        rule=lambda fields: _paced(fields, way),
    )  # fmt: skip


def _as_schedule(fields: Fields) -> Schedule:
    return Schedule(**fields)


_SCHEDULE = Section(
    (
        Key("cron", scale_words.CRON, "When it begins: minute, hour, day of the month, month, day "
            "of the week.", "cron", required=True),
        Key("zone", scale_words.ZONE, "The time zone of those times.", "zone"),
        Key("for", Duration(_MINUTE, LONGEST), "How long it holds from then.", "lasts",
            required=True),
        Key("min", Integer(0, _MOST), "`min` while it holds.", "min", default="as ever"),
        Key("max", Integer(1, _MOST), "`max` while it holds.", "max", default="as ever"),
    ),
    model=Schedule("", 0.0),
    make=_as_schedule,
    any_of=("min", "max"),
)  # fmt: skip


def _as_scale(fields: Fields) -> Scale:
    """With targets the objective rules only where it is asked to."""
    ruled = {"objective": None} if "targets" in fields else {}
    return fill(_DEFAULT, ruled | fields)


def _what_fits(fields: Fields) -> str:
    return next(_problems(_as_scale(fields), fields), "")


def _problems(scale: Scale, fields: Fields) -> Iterator[str]:
    if scale.min > scale.max:
        yield f"min: {scale.min} is above max: {scale.max}"
    for index, schedule in enumerate(scale.schedules):
        low, high = bounds_of(schedule, scale)
        if low > high:
            yield f"schedules[{index}]: min: {low} is above max: {high}"
    if "keep_alive" in fields and not may_sleep(scale):
        yield "keep_alive is of use only with min: 0"
    if "capacity" in fields and scale.objective is None:
        yield "capacity is of use only with an objective, which targets alone do not have"


SCALE = Section(
    (
        Key("min", Integer(0, _MOST), "Never fewer; 0 lets an idle service sleep.", "min"),
        Key("max", Integer(1, _MOST), "Never more.", "max"),
        Key("objective", scale_words.Bound(), "How fast requests are to be answered: so many "
            "percent within such a time.", "objective",
            default="`p95 <= 250ms`; none beside targets"),
        Key("capacity", Number(0.001, 999_999), "Requests a second that one endpoint can answer.",
            "capacity", default="learned"),
        Key("targets", TARGETS, "What metrics are kept at: the largest answer is the count, and "
            "only when all agree it falls. With `objective` that has its say too.", "targets",
            default="none"),
        Key("out", _pace("out", "more"), "How fast the count grows."),
        Key("in", _pace("inward", "fewer"), "How fast it falls."),
        Key("schedules", ListOf(_SCHEDULE, 'schedules: [{cron: "0 8 * * mon-fri", …}]', 32),
            "Other bounds at certain times. Of several that hold at once the largest `min` and the "
            "largest `max` count.", "schedules", default="none"),
        Key("predictive", Flag(), "Start endpoints before a load that comes by trend, hour or "
            "weekday.", "predictive"),
        Key("keep_alive", Duration(1, 7 * _DAY), "A service that may sleep does so this long "
            "after its last request.", "keep_alive", default="learned from its own arrivals"),
    ),
    model=_DEFAULT,
    make=_as_scale,
    rule=_what_fits,
)  # fmt: skip
