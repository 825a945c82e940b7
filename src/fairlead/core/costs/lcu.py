"""Load balancer capacity units: what an ALB's traffic is billed by.

Four dimensions are measured each hour, the largest is billed, fractions count. The counts are those
of AWS's price page, as handbook.vantage.sh (aws/services/elb-pricing) has them. Over a month of
uneven hours the sum is the same as long as size and connections a request stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fairlead.core.costs.usage import Traffic

NEW_CONNECTIONS = 25
"""A second."""
ACTIVE_CONNECTIONS = 3000
"""A minute."""
GB_AN_HOUR = 1
"""Both ways, to instances, containers and addresses; for Lambda targets it is 0.4."""
RULE_EVALUATIONS = 1000
"""A second; the first rules of each request are free."""
FREE_RULES = 10


@dataclass(frozen=True, slots=True)
class Lcus:
    new_connections: Decimal
    active_connections: Decimal
    processed_bytes: Decimal
    rule_evaluations: Decimal

    @property
    def billed(self) -> Decimal:
        return max(self.all().values())

    @property
    def dimension(self) -> str:
        """The one that is billed."""
        return max(self.all(), key=lambda name: self.all()[name])

    def all(self) -> dict[str, Decimal]:
        return {
            "new connections": self.new_connections,
            "active connections": self.active_connections,
            "processed bytes": self.processed_bytes,
            "rule evaluations": self.rule_evaluations,
        }


def lcus(traffic: Traffic, rules: int) -> Lcus:
    """Of one balancer that takes all of the traffic and looks at so many rules for a request."""
    new = traffic.new_connections
    return Lcus(
        new / NEW_CONNECTIONS,
        new * traffic.connection_seconds / ACTIVE_CONNECTIONS,
        traffic.gb_an_hour / GB_AN_HOUR,
        traffic.requests * max(0, rules - FREE_RULES) / RULE_EVALUATIONS,
    )
