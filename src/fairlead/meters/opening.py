"""Settings -> the board; meters are imported when a metric first needs them."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.core.errors import MeterError
from fairlead.core.scaling.policy import Metric, Source
from fairlead.meters.board import MeterBoard
from fairlead.meters.proxy import ProxyMeter
from fairlead.ports import Clock, Meter, Tallies


class Meters:
    """Makes each meter once. BadInput where the settings leave something out, Missing where a
    module is to be installed first."""

    def __init__(self) -> None:
        self._made: dict[Source, Meter] = {}

    def __call__(self, metric: Metric) -> Meter:
        source = metric.source
        if source not in _OPEN:
            raise MeterError(f"{source}: no meter knows it here")
        if source not in self._made:
            self._made[source] = _OPEN[source](self)
        return self._made[source]


_OPEN: dict[Source, Callable[[Meters], Meter]] = {}


def open_board(tallies: Tallies, clock: Clock) -> MeterBoard:
    return MeterBoard(ProxyMeter(tallies, clock), Meters(), clock)
