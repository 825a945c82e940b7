"""The keys of a service's `scale:`."""

from __future__ import annotations

from fairlead.core.scaling.policy import Scale
from fairlead.settings.numbers import Integer
from fairlead.settings.sections import Fields, Key, Section, fill

_DEFAULT = Scale()
_MOST = 1000


def _bounds_in_order(scale: Fields) -> str:
    low, high = scale.get("min", _DEFAULT.min), scale.get("max", _DEFAULT.max)
    return f"min: {low} is above max: {high}" if low > high else ""


def _as_scale(fields: Fields) -> Scale:
    return fill(_DEFAULT, fields)


SCALE = Section(
    (
        Key("min", Integer(0, _MOST), "Never fewer; 0 lets an idle service sleep.", "min"),
        Key("max", Integer(1, _MOST), "Never more.", "max"),
    ),
    model=_DEFAULT,
    make=_as_scale,
    rule=_bounds_in_order,
)
