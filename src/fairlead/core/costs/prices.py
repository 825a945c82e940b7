"""Prices as they are known: each with where it comes from, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches

from fairlead.core.errors import BadInput

FOUND, DERIVED, RECALLED, MISSING = HOW = ("found", "derived", "recalled", "missing")
NONE, TWELVE_MONTHS, CREDITS = FREE_TIERS = ("none", "12-months", "credits")
"""Accounts made before 2025-07-15 have (or had) the first, those made since then the second."""
ALWAYS = "always"

REGIONAL = (
    "alb.hour",
    "alb.lcu_hour",
    "ipv4.hour",
    "nat.hour",
    "nat.gb",
    "ebs.gp3_gb_month",
    "data.out_gb",
    "fargate.x86_vcpu_hour",
    "fargate.x86_gb_hour",
    "fargate.arm_vcpu_hour",
    "fargate.arm_gb_hour",
    "logs.ingest_gb",
    "dynamodb.write_million",
)
"""Beside these, `ec2.TYPE.hour`: Linux, on demand, shared tenancy."""
EVERYWHERE = (
    "route53.zone_month",
    "route53.query_million",
    "route53.alias_query_million",
    "data.between_zones_gb",
    "cloudwatch.metric_month",
    "cloudwatch.alarm_month",
    "cloudwatch.dashboard_month",
    "cloudmap.resource_month",
    "cloudmap.service_connect",
    "sqs.request_million",
    "ecr.gb_month",
    "ecs.ec2_launch_type",
)


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one unit, None where it is missing; `sources` are ids of the book's."""

    usd: Decimal | None = None
    how: str = FOUND
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type. `registered` is what its node offers ECS, in MiB, 0 where nobody told."""

    vcpu: int
    memory: int
    arch: str
    registered: int = 0

    @property
    def offered(self) -> int:
        """MiB for tasks. Where nobody told, what the kernel, the system and the ECS agent take is
        off: 108 MiB, as on a t3.micro, of which 916 are left, and a sixteenth of larger ones."""
        return self.registered or max(0, self.memory - max(108, self.memory // 16))


@dataclass(frozen=True, slots=True)
class Credits:
    """What a new account gets (since 2025-07-15), in dollars and months."""

    sign_up: Decimal = Decimal(0)
    activities: Decimal = Decimal(0)
    plan_months: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Prices:
    """Those of one region. `free`: quantities a month that cost nothing, by free tier."""

    region: str
    checked: str
    of: Mapping[str, Price]
    machines: Mapping[str, Machine]
    free: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    credits: Credits = field(default_factory=Credits)

    def __getitem__(self, key: str) -> Price:
        return self.of.get(key) or Price(how=MISSING)

    def machine(self, name: str) -> Machine:
        """BadInput for a type that the prices do not know."""
        if name not in self.machines:
            known = ", ".join(self.machines)
            raise BadInput(f"no price for {name!r}{_near(name, self.machines)} (known: {known})")
        return self.machines[name]

    def allowances(self, tier: str) -> dict[str, Decimal]:
        """What is free under that tier, always-free quantities included."""
        return {**self.free.get(ALWAYS, {}), **self.free.get(tier, {})}


@dataclass(frozen=True, slots=True)
class Book:
    """All regions. `sources`: id to where it is and of which date."""

    checked: str
    regions: Mapping[str, Mapping[str, Price]]
    everywhere: Mapping[str, Price]
    machines: Mapping[str, Machine]
    free: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    credits: Credits = field(default_factory=Credits)
    sources: Mapping[str, str] = field(default_factory=dict)

    def region(self, name: str) -> Prices:
        """BadInput for a region without prices."""
        if name not in self.regions:
            known = ", ".join(self.regions)
            raise BadInput(
                f"no prices for region {name!r}{_near(name, self.regions)} (known: {known}); "
                f"fairlead cost --refresh --region REGION fetches another's"
            )
        of = {**self.everywhere, **self.regions[name]}
        return Prices(name, self.checked, of, self.machines, self.free, self.credits)


def _near(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
