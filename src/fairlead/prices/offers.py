"""Which row of AWS's price lists is which of our prices.

A list is a CSV of an offer and a region: five lines about itself, then a header, then the rows.
Names of columns differ in case between offers. A usage type may begin with the region's short name
(`EU-LoadBalancerUsage`), and others end alike (`EU-TS-LoadBalancerUsage`), so it is matched whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from fairlead.core.costs.prices import FOUND, Price
from fairlead.core.errors import BadInput

MILLION = Decimal(10**6)
_REGION = r"(?:(?!TS-)[A-Z]{2,4}\d?-)?"
"""TS is no region: trust stores of load balancers."""


@dataclass(frozen=True, slots=True)
class Row:
    """What names one of our prices: `operation` is any where it is empty. `scale`: our unit is so
    many of AWS's."""

    key: str
    usage: str
    operation: str = ""
    scale: Decimal = Decimal(1)


OFFERS: Mapping[str, tuple[Row, ...]] = {
    "AmazonECS": (
        Row("fargate.x86_vcpu_hour", "Fargate-vCPU-Hours:perCPU"),
        Row("fargate.x86_gb_hour", "Fargate-GB-Hours"),
        Row("fargate.arm_vcpu_hour", "Fargate-ARM-vCPU-Hours:perCPU"),
        Row("fargate.arm_gb_hour", "Fargate-ARM-GB-Hours"),
    ),
    "AWSELB": (
        Row("alb.hour", "LoadBalancerUsage", "LoadBalancing:Application"),
        Row("alb.lcu_hour", "LCUUsage", "LoadBalancing:Application"),
    ),
    "AmazonVPC": (Row("ipv4.hour", "PublicIPv4:InUseAddress"),),
    "AmazonCloudWatch": (Row("logs.ingest_gb", "DataProcessing-Bytes"),),
    "AmazonDynamoDB": (Row("dynamodb.write_million", "WriteRequestUnits", "", MILLION),),
    "AWSDataTransfer": (Row("data.out_gb", "DataTransfer-Out-Bytes"),),
    "AmazonEC2": (
        Row("nat.hour", "NatGateway-Hours", "NatGateway"),
        Row("nat.gb", "NatGateway-Bytes", "NatGateway"),
        Row("ebs.gp3_gb_month", "EBS:VolumeUsage.gp3"),
    ),
}
"""EC2's list is the long one: about half a gigabyte for us-east-1."""


def wanted(offer: str, types: Iterable[str]) -> tuple[Row, ...]:
    """What to look for in an offer's list, with an instance type's hours where they are there."""
    hours = [Row(f"ec2.{name}.hour", f"BoxUsage:{name}", "RunInstances") for name in types]
    return (*OFFERS[offer], *(hours if offer == "AmazonEC2" else ()))


class Reader:
    """Takes the rows of one list as they come; holds what was found and nothing else."""

    def __init__(self, offer: str, rows: tuple[Row, ...]) -> None:
        self.version = ""
        self._offer, self._columns = offer, dict[str, int]()
        self._rows = [(row, re.compile(_REGION + re.escape(row.usage))) for row in rows]
        self._found: dict[str, list[tuple[Decimal, Decimal]]] = {}

    def take(self, cells: list[str]) -> None:
        """BadInput when it is no price list."""
        if not self._columns:
            self._head(cells)
        elif cells:
            self._row(cells)

    def prices(self) -> Iterator[tuple[str, Price]]:
        """Of each what the first units cost that cost something; none where the list names two.
        BadInput for a list without rows of ours."""
        if not self._found:
            raise BadInput(f"{self._offer}: no price that is looked for is in the list")
        for key, tiers in self._found.items():
            paid = [tier for tier in tiers if tier[1]] or tiers
            first = {usd for start, usd in paid if start == min(paid)[0]}
            if len(first) == 1:
                yield key, Price(first.pop(), FOUND, (self._offer,))

    def _head(self, cells: list[str]) -> None:
        if len(cells) == 2 and cells[0] == "Version":
            self.version = cells[1]
        names = [cell.replace(" ", "").lower() for cell in cells]
        if "sku" in names:
            self._columns = {name: place for place, name in enumerate(names)}
            for name in ("termtype", "priceperunit", "currency", "usagetype", "startingrange"):
                if name not in self._columns:
                    raise BadInput(f"{self._offer}: the list has no column {name}")
        elif len(cells) > 2:
            raise BadInput(f"{self._offer}: this is no price list: {', '.join(cells[:3])[:80]}")

    def _row(self, cells: list[str]) -> None:
        if self._cell(cells, "termtype") != "OnDemand" or self._cell(cells, "currency") != "USD":
            return
        usage, operation = self._cell(cells, "usagetype"), self._cell(cells, "operation")
        for row, pattern in self._rows:
            if pattern.fullmatch(usage) and row.operation in ("", operation):
                tier = (self._number(cells, "startingrange"), self._number(cells, "priceperunit"))
                self._found.setdefault(row.key, []).append((tier[0], tier[1] * row.scale))

    def _cell(self, cells: list[str], name: str) -> str:
        place = self._columns.get(name, -1)
        return cells[place] if 0 <= place < len(cells) else ""

    def _number(self, cells: list[str], name: str) -> Decimal:
        text = self._cell(cells, name)
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not (number.is_finite() and 0 <= number <= 10**15):
            raise BadInput(f"{self._offer}: {name} is {text[:40]!r}, which is no number")
        return number
