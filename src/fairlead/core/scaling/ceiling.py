"""How far a count could ever go by what its own settings say."""

from __future__ import annotations

from fairlead.core.scaling.policy import Scale

UNBOUND = 1000
"""Of a service without a scale of its own."""


def ceiling(scale: Scale | None) -> int:
    """The largest count that the scale, or any of its schedules, may ask for."""
    if scale is None:
        return UNBOUND
    return max(scale.max, *(s.max for s in scale.schedules if s.max is not None), 0)
