"""CPU and memory of an ECS service, as ECS publishes them: the service's mean, by the minute.

Every cluster has them (AWS/ECS), and they cost no more than the reading (see cloudwatch). 1 is what
the task definition reserves; CPU may be above it on EC2. Values of single tasks are in Container
Insights only, which is billed by metric; where it is on, a `cloudwatch` target can read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fairlead.core.errors import MeterError
from fairlead.core.model import Service
from fairlead.core.scaling.policy import CloudWatchQuery, Metric, Source
from fairlead.core.scaling.verdict import Reading
from fairlead.meters.cloudwatch import CloudWatchMeter

PERIOD = 60
_METRICS = {Source.CPU: "CPUUtilization", Source.MEMORY: "MemoryUtilization"}


class EcsUsageMeter:
    """Implements ports.Meter. `cluster` is a name or an ARN, as a service's is."""

    def __init__(
        self, cloudwatch: CloudWatchMeter, cluster: str, services: Callable[[str], Service]
    ) -> None:
        self._cloudwatch, self._cluster, self._services = cloudwatch, cluster, services

    def period(self, metric: Metric) -> float:  # noqa: ARG002
        """It is published by the minute."""
        return float(PERIOD)

    async def read(self, service: str, metric: Metric) -> Reading:
        name = self._services(service).container.task_service
        if not name:
            raise MeterError(f"{service} is no ECS service: its {metric.source} is not known")
        query = CloudWatchQuery(
            "used",
            namespace="AWS/ECS",
            metric=_METRICS[metric.source],
            dimensions=(("ClusterName", _last(self._cluster)), ("ServiceName", _last(name))),
            period=PERIOD,
        )
        percent = await self._cloudwatch.read(service, replace(metric, queries=(query,)))
        return replace(percent, value=percent.value / 100)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
