"""Settings -> the board; meters are imported when a metric first needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.util import find_spec

from fairlead.aws.client import Aws, Call
from fairlead.aws.client import Source as AwsSource
from fairlead.core.errors import MeterError, Missing
from fairlead.core.model import Cluster, Endpoint, Service
from fairlead.core.scaling.policy import Metric, Source
from fairlead.meters.board import MeterBoard
from fairlead.meters.proxy import ProxyMeter, Uncounted
from fairlead.meters.usage import Usage
from fairlead.ports import Clock, Meter, Tallies


class Regions:
    """AWS's calls by region, with the profile of the ecs section; an empty region is that of the
    section, else what AWS's own tools find."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster, self._clock = cluster, clock
        self._opened: dict[str, Aws] = {}

    def __call__(self, region: str) -> Call:
        """Missing when botocore is to be installed first."""
        if find_spec("botocore") is None:
            raise Missing("metrics of AWS need botocore: pip install 'fairlead[ecs]'")
        if region not in self._opened:
            self._opened[region] = Aws(lambda: self._clients(region), self._clock)
        return self._opened[region]

    def close(self) -> None:
        for opened in self._opened.values():
            opened.close()

    def _clients(self, region: str) -> AwsSource:
        from fairlead.aws.session import Account, Clients

        ecs = self._cluster.ecs
        return Clients(Account(region or ecs.region, ecs.profile))


@dataclass(frozen=True, slots=True)
class Services:
    """What the loop knows of a service by its name: what is wanted of it, and which of its
    endpoints are ready. `usage` is None where the platform cannot measure endpoints."""

    service: Callable[[str], Service]
    ready: Callable[[str], Collection[Endpoint]]
    usage: Usage | None = None


class Meters:
    """Gives the meter of a metric, made when it is first wanted. MeterError where there is none."""

    def __init__(self, cluster: Cluster, services: Services, clock: Clock) -> None:
        self.cluster, self.services, self.clock = cluster, services, clock
        self.regions = Regions(cluster, clock)
        self._made: dict[Source, Meter] = {}

    def __call__(self, metric: Metric) -> Meter:
        source = metric.source
        if source not in self._made:
            self._made[source] = _OPEN[source](self)
        return self._made[source]

    def close(self) -> None:
        self.regions.close()


def open_board(cluster: Cluster, tallies: Tallies, services: Services, clock: Clock) -> MeterBoard:
    meters = Meters(cluster, services, clock)
    seen = tallies if cluster.proxy == "nginx" else Uncounted()
    return MeterBoard(ProxyMeter(seen, clock), meters, clock, meters.close)


def _cloudwatch(meters: Meters) -> Meter:
    from fairlead.meters.cloudwatch import CloudWatchMeter

    return CloudWatchMeter(meters.regions, meters.clock)


def _usage(meters: Meters) -> Meter:
    services = meters.services
    if services.usage:
        from fairlead.meters.usage import UsageMeter

        return UsageMeter(services.usage, services.ready, meters.clock)
    if meters.cluster.platform != "ecs":
        raise MeterError("CPU and memory cannot be measured on this platform")
    from fairlead.meters.cloudwatch import CloudWatchMeter
    from fairlead.meters.ecs import EcsUsageMeter

    cloudwatch = CloudWatchMeter(meters.regions, meters.clock)
    cluster = meters.cluster.ecs.cluster or meters.cluster.name
    return EcsUsageMeter(cloudwatch, cluster, services.service)


def _sqs(meters: Meters) -> Meter:
    from fairlead.meters.sqs import SqsMeter

    return SqsMeter(meters.regions, meters.clock)


def _prometheus(_: Meters) -> Meter:
    from fairlead.meters.prometheus import PrometheusMeter

    return PrometheusMeter()


def _document(meters: Meters) -> Meter:
    from fairlead.meters.document import DocumentMeter

    return DocumentMeter(meters.clock)


_OPEN: dict[Source, Callable[[Meters], Meter]] = {
    Source.CPU: _usage,
    Source.MEMORY: _usage,
    Source.CLOUDWATCH: _cloudwatch,
    Source.SQS: _sqs,
    Source.PROMETHEUS: _prometheus,
    Source.HTTP: _document,
}
