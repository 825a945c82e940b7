"""What fairlead's own proxies see of a service's requests. It costs nothing, and is never late."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.core.errors import MeterError, ProxyError
from fairlead.core.scaling.policy import Metric, Source
from fairlead.core.scaling.verdict import Load, Reading
from fairlead.meters.counted import Counted, Flow
from fairlead.meters.rates import above, percentile
from fairlead.ports import Clock, Proxy, Tallies, Tally


class OneProxy:
    """Implements ports.Tallies for the proxy of one machine, which is known by no node's name."""

    def __init__(self, proxy: Proxy, clock: Clock) -> None:
        self._proxy, self._clock = proxy, clock

    async def tallies(self, service: str) -> Mapping[str, Tally | None]:
        counters = await self._proxy.counters(service)
        waits = await self._proxy.waits(service)
        return {"": Tally(self._clock.now(), counters, waits.waiting, waits.refused)}


class Uncounted:
    """Implements ports.Tallies for a proxy that does not count requests: nginx without Lua."""

    async def tallies(self, service: str) -> Mapping[str, Tally | None]:  # noqa: ARG002
        return {}


class ProxyMeter:
    """Implements ports.Meter. `take` reads the counters, all else answers from what it took.

    requests: a second. in-flight: requests now, held ones included. latency: seconds, of the
    answers between the last two reads. errors: the share (0 to 1) of the requests that ended in
    those that got a 5xx or no answer. A service to which nothing comes has latency and errors of 0.
    """

    def __init__(self, tallies: Tallies, clock: Clock) -> None:
        self._tallies, self._clock = tallies, clock
        self._counted: dict[str, Counted] = {}
        self._problems: dict[str, str] = {}

    async def take(self, service: str) -> None:
        """What was asked after a failed read is spread over the whole time since the last one."""
        try:
            tallies = await self._tallies.tallies(service)
        except ProxyError as error:
            self._problems[service] = str(error)
            raise MeterError(str(error)) from error
        except Exception:
            self._problems[service] = "its counters could not be read"
            raise
        self._problems.pop(service, None)
        self._counted.setdefault(service, Counted()).take(tallies)

    def late(self, service: str, seconds: float) -> None:
        """A read has taken so long already: until it is there, nothing is known of now."""
        self._problems[service] = f"the proxy has not answered within {seconds:g} s"

    def load(self, service: str, objective: float) -> Load:
        """`objective`: seconds above which an answer is slow. MeterError when it is not known."""
        flow = self._flow(service)
        rates, span = flow.rates, flow.span
        return Load(
            self._clock.wall() - flow.age,
            span,
            rates.arrivals * span,
            rates.answers * span,
            min(rates.answers, above(rates.latency, objective)) * span,
            (rates.errors + rates.failures) * span,
            flow.in_flight,
            flow.held,
        )

    def period(self, metric: Metric) -> float:  # noqa: ARG002
        """The proxies are read when the scaler looks."""
        return 0.0

    async def read(self, service: str, metric: Metric) -> Reading:
        flow = self._flow(service)
        return Reading(_VALUES[metric.source](flow, metric), self._clock.wall() - flow.age)

    def forget(self, service: str) -> None:
        self._counted.pop(service, None)
        self._problems.pop(service, None)

    def _flow(self, service: str) -> Flow:
        """A read that failed leaves a gap: what was known before it is not of now."""
        if problem := self._problems.get(service):
            raise MeterError(problem)
        if service not in self._counted:
            raise MeterError("the proxy has not been read yet")
        return self._counted[service].flow(self._clock.now())


def _latency(flow: Flow, metric: Metric) -> float:
    found = percentile(flow.rates.latency, metric.percentile)
    return _of_answers(flow, found)


def _errors(flow: Flow, _: Metric) -> float:
    rates = flow.rates
    ended = rates.answers + rates.failures
    return _of_answers(flow, (rates.errors + rates.failures) / ended if ended > 0 else None)


def _of_answers(flow: Flow, value: float | None) -> float:
    if value is not None:
        return value
    if flow.in_flight:
        raise MeterError(f"{flow.in_flight} requests wait, and none was answered since last read")
    return 0.0


_VALUES: dict[Source, Callable[[Flow, Metric], float]] = {
    Source.REQUESTS: lambda flow, _: flow.rates.arrivals,
    Source.IN_FLIGHT: lambda flow, _: float(flow.in_flight),
    Source.LATENCY: _latency,
    Source.ERRORS: _errors,
}
"""The sources that a proxy knows."""
