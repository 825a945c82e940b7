"""What is run and what is asked of it: that from which a bill is worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

HOURS = Decimal(730)
"""A month: 8,760 hours by 12, as AWS's own calculator has it."""
SECONDS = HOURS * 3600
GB = Decimal(10**9)
REQUESTS_A_CONNECTION = 10
"""Of keep-alive clients, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """`copies` of each of `services`; `cpu` in units (1,024 a core) and `memory` in MiB a copy."""

    services: int = 5
    copies: int = 2
    cpu: int = 128
    memory: int = 128


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of all services together, on average over the month. Sizes in bytes, headers included;
    `connections`: new ones a second, None for a tenth of the requests; each lasts
    `connection_seconds`. `out_gb`: to the internet a month, None for what the responses make."""

    requests: Decimal = Decimal(1)
    request_bytes: Decimal = Decimal(1000)
    response_bytes: Decimal = Decimal(10_000)
    connections: Decimal | None = None
    connection_seconds: Decimal = Decimal(60)
    out_gb: Decimal | None = None
    dns_queries: Decimal = Decimal(1_000_000)

    @property
    def new_connections(self) -> Decimal:
        if self.connections is None:
            return self.requests / REQUESTS_A_CONNECTION
        return self.connections

    @property
    def gb_an_hour(self) -> Decimal:
        """Requests and responses together."""
        return self.requests * (self.request_bytes + self.response_bytes) * 3600 / GB

    @property
    def gb_out(self) -> Decimal:
        """A month."""
        if self.out_gb is None:
            return self.requests * self.response_bytes * SECONDS / GB
        return self.out_gb


@dataclass(frozen=True, slots=True)
class Extras:
    """`disk_gb` a node; images and logs (written a month) in GB; `nat`: gateways, for nodes and
    tasks that have no public address of their own, with `nat_gb` a month through them."""

    disk_gb: Decimal = Decimal(30)
    images_gb: Decimal = Decimal(1)
    logs_gb: Decimal = Decimal(0)
    metrics: int = 0
    alarms: int = 0
    dashboards: int = 1
    nat: int = 0
    nat_gb: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Usage:
    """`nodes`: None for as many as a strategy needs, and no fewer than `least_nodes`."""

    type: str = "t3.micro"
    nodes: int | None = None
    least_nodes: int = 1
    tasks: Tasks = field(default_factory=Tasks)
    traffic: Traffic = field(default_factory=Traffic)
    extras: Extras = field(default_factory=Extras)
