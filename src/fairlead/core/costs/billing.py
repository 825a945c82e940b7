"""Usage and prices to the bill of a strategy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fairlead.core.costs.bill import Bill, Item, with_free
from fairlead.core.costs.lcu import lcus
from fairlead.core.costs.prices import NONE, Prices
from fairlead.core.costs.sizes import Fit, fargate_size, fit
from fairlead.core.costs.strategies import DYNAMIC, SERVICE_CONNECT, STRATEGIES, Strategy
from fairlead.core.costs.usage import HOURS, Usage

ALB_ADDRESSES = 2
"""One in each of the zones that an internet-facing ALB must have at the least."""
LEASE_WRITES = 13_000
"""A day (docs/cluster.md)."""
LONG_POLL = 20
"""Seconds that one request to the queue waits."""
MILLION = Decimal(10**6)
DAYS = HOURS / 24


@dataclass(frozen=True, slots=True)
class _Case:
    strategy: Strategy
    usage: Usage
    prices: Prices
    fit: Fit

    @property
    def balancers(self) -> int:
        counts = {"none": 0, "one": 1, "each": self.usage.tasks.services}
        return counts[self.strategy.balancers]

    @property
    def public(self) -> bool:
        """Whether nodes and tasks have public addresses: an nginx that clients reach must."""
        return not (self.balancers and self.usage.extras.nat)

    def item(self, name: str, key: str, quantity: Decimal | int, unit: str, note: str = "") -> Item:
        price = self.prices[key]
        told = "; ".join(filter(None, (note, price.note)))
        group = _GROUPS[key.partition(".")[0]]
        return Item(group, name, key, Decimal(quantity), unit, price, note=told)


_GROUPS = {
    "ec2": "instances",
    "ecs": "instances",
    "fargate": "instances",
    "ipv4": "addresses",
    "alb": "balancers",
    "nat": "NAT",
    "ebs": "storage",
    "ecr": "storage",
    "route53": "DNS",
    "cloudmap": "DNS",
    "cloudwatch": "monitoring",
    "logs": "monitoring",
    "data": "data",
    "dynamodb": "coordination",
    "sqs": "coordination",
}


def bills(usage: Usage, prices: Prices, tier: str = NONE) -> tuple[Bill, ...]:
    """Of all strategies. BadInput for an instance type without a price."""
    return tuple(bill(each, usage, prices, tier) for each in STRATEGIES)


def bill(strategy: Strategy, usage: Usage, prices: Prices, tier: str = NONE) -> Bill:
    fitted = fit(strategy, usage, prices.machine(usage.type))
    case = _Case(strategy, usage, prices, fitted)
    compute = _fargate(case) if strategy.serverless else _nodes(case)
    items = [item for item in (*compute, *_rest(case)) if item.quantity]
    nodes, problem = (0, "") if strategy.serverless else (fitted.nodes, fitted.problem)
    if strategy.serverless and not fargate_size(usage.tasks):
        problem = "a task of this size does not exist on Fargate"
    free = with_free(items, prices.allowances(tier))
    return Bill(strategy.name, nodes, free, (problem,) if problem else ())


def _rest(case: _Case) -> Iterator[Item]:
    yield from _balancers(case)
    yield from _dns(case)
    yield from _storage(case)
    yield from _monitoring(case)
    yield from _data(case)
    yield from _coordination(case)


def _nodes(case: _Case) -> Iterator[Item]:
    kind, nodes = case.usage.type, case.fit.nodes
    hours = nodes * HOURS
    yield case.item(f"{nodes} x {kind}, on demand", f"ec2.{kind}.hour", hours, "hours")
    yield case.item("ECS itself, on instances", "ecs.ec2_launch_type", case.fit.tasks, "tasks")
    if case.public:
        yield case.item(f"public IPv4 of {nodes} nodes", "ipv4.hour", hours, "hours")
    disk = nodes * case.usage.extras.disk_gb
    yield case.item(f"gp3 disks of {nodes} nodes", "ebs.gp3_gb_month", disk, "GB-months")


def _fargate(case: _Case) -> Iterator[Item]:
    size = fargate_size(case.usage.tasks)
    if not size:
        return
    tasks, machine = case.fit.tasks, case.prices.machine(case.usage.type)
    arch = "arm" if machine.arch == "arm64" else "x86"
    cores, gb = Decimal(size[0]) / 1024, Decimal(size[1]) / 1024
    what = f"{tasks} tasks of {size[0]} CPU units, {size[1]} MiB"
    vcpu, memory = tasks * HOURS * cores, tasks * HOURS * gb
    yield case.item(f"{what}: vCPU ({arch})", f"fargate.{arch}_vcpu_hour", vcpu, "vCPU-hours")
    yield case.item(f"{what}: memory", f"fargate.{arch}_gb_hour", memory, "GB-hours")
    if case.public:
        name = f"public IPv4 of {tasks} tasks"
        note = "without a NAT gateway each task needs one to pull its image"
        yield case.item(name, "ipv4.hour", tasks * HOURS, "hours", note)


def _balancers(case: _Case) -> Iterator[Item]:
    count, services = case.balancers, case.usage.tasks.services
    if not count:
        return
    units = lcus(case.usage.traffic, services if count == 1 else 0)
    yield case.item(f"ALB hours, {count} x", "alb.hour", count * HOURS, "hours")
    note = f"{units.billed:.2f} LCU, billed by {units.dimension}"
    yield case.item("ALB capacity units", "alb.lcu_hour", units.billed * HOURS, "LCU-hours", note)
    addresses = count * ALB_ADDRESSES
    name = f"public IPv4 of the ALB, {addresses} x"
    yield case.item(name, "ipv4.hour", addresses * HOURS, "hours", "one a zone, two zones")
    nat = case.usage.extras
    yield case.item(f"NAT gateways, {nat.nat} x", "nat.hour", nat.nat * HOURS, "hours")
    if nat.nat:
        yield case.item("data through NAT", "nat.gb", nat.nat_gb, "GB")


def _dns(case: _Case) -> Iterator[Item]:
    queries = case.usage.traffic.dns_queries / MILLION
    yield case.item("hosted zone", "route53.zone_month", 1, "zones")
    if case.balancers:
        key, name = "route53.alias_query_million", "DNS queries to an alias"
    else:
        key, name = "route53.query_million", "DNS queries"
    yield case.item(name, key, queries, "million")
    if case.strategy is SERVICE_CONNECT:
        own = case.prices["cloudmap.resource_month"].usd or Decimal(0)
        note = f"registered in Cloud Map at its own price they would be {own * case.fit.tasks:.2f}"
        key, name = "cloudmap.service_connect", "endpoints of Service Connect"
        yield case.item(name, key, case.fit.tasks, "endpoints", note)


def _storage(case: _Case) -> Iterator[Item]:
    images = case.usage.extras.images_gb
    yield case.item("images in ECR", "ecr.gb_month", images, "GB-months")


def _monitoring(case: _Case) -> Iterator[Item]:
    extras = case.usage.extras
    scaling = 2 * case.usage.tasks.services if case.strategy.scales else 0
    note = f"{scaling} of target tracking, two a service" if scaling else ""
    alarms = extras.alarms + scaling
    yield case.item("CloudWatch metrics", "cloudwatch.metric_month", extras.metrics, "metrics")
    yield case.item("CloudWatch alarms", "cloudwatch.alarm_month", alarms, "alarms", note)
    boards = extras.dashboards
    yield case.item("CloudWatch dashboards", "cloudwatch.dashboard_month", boards, "dashboards")
    yield case.item("logs written", "logs.ingest_gb", extras.logs_gb, "GB")


def _data(case: _Case) -> Iterator[Item]:
    traffic = case.usage.traffic
    yield case.item("data to the internet", "data.out_gb", traffic.gb_out, "GB")
    if case.strategy.crosses and case.fit.nodes > 1:
        crossing = traffic.gb_an_hour * HOURS / 2
        note = (
            "nodes in two zones: half of all requests cross, and are charged out and in; "
            "fairlead's locality: prefer-node lets fewer cross"
        )
        key = "data.between_zones_gb"
        yield case.item("data between zones", key, crossing * 2, "GB", note)


def _coordination(case: _Case) -> Iterator[Item]:
    if case.strategy is not DYNAMIC or case.fit.nodes < 2:
        return
    writes = LEASE_WRITES * DAYS / MILLION
    note = "for a second controller; a lease in a file costs nothing"
    yield case.item("lease in DynamoDB", "dynamodb.write_million", writes, "million writes", note)
    polls = HOURS * 3600 / LONG_POLL / MILLION
    yield case.item("queue of task events", "sqs.request_million", polls, "million requests")
