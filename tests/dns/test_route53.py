"""What only Route 53 has: batches, routing policies, aliases, zones, throttling."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError

from fairlead.aws.client import Aws
from fairlead.aws.pace import Pace
from fairlead.aws.session import Account, Clients
from fairlead.clock import SystemClock
from fairlead.core.dns import Change, DnsNode, Form, Record, Rules
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import DnsError, PlatformError
from fairlead.dns.route53 import MOST_VALUES, Route53Provider
from fairlead.platforms.ecs.policy import policy
from tests.dns.route53 import FakeRoute53, route53

NAME = "shop.example.com"
RULES = Rules("shop", most=1.0)
MULTI = replace(RULES, form=Form("multivalue", each=True))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRoute53]:
    with route53() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ROUTE_53", f"http://127.0.0.1:{fake.port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr("fairlead.aws.client.backoff", lambda _: 0.01)
        yield fake


@pytest.fixture
async def aws(fake: FakeRoute53) -> AsyncIterator[Aws]:
    aws = Aws(lambda: Clients(Account("us-east-1")), SystemClock(), Pace(10_000, 10_000))
    yield aws
    aws.close()


@pytest.fixture
def provider(aws: Aws) -> Route53Provider:
    return Route53Provider(aws)


async def unfenced() -> None:
    """Whoever may write."""


def nodes(count: int) -> list[DnsNode]:
    return [DnsNode(f"n{n}", f"10.0.1.{n}") for n in range(1, count + 1)]


async def planned(
    provider: Route53Provider, count: int, rules: Rules = RULES, names: tuple[str, ...] = (NAME,)
) -> Plan:
    return plan(names, nodes(count), await provider.read(names), rules)


async def test_names_share_a_batch_and_a_bad_one_is_parted_from_the_rest(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    names = tuple(f"s{n}.example.com" for n in range(4))
    made = await planned(provider, 1, names=names)
    assert await provider.apply(made.changes, unfenced) == ()
    assert fake.batches == [8]
    made = await planned(provider, 2, names=names)
    fake.put("s1.example.com", "10.9.0.1")
    (problem,) = await provider.apply(made.changes, unfenced)
    assert fake.batches == [8, 8, 2, 2, 2, 2]
    assert problem.name == "s1.example.com"
    assert "do not match the current values" in problem.message
    assert fake.values("s3.example.com") == {"10.0.1.1", "10.0.1.2"}


async def test_batches_stay_below_the_bounds(fake: FakeRoute53, provider: Route53Provider) -> None:
    names = tuple(f"s{n}.example.com" for n in range(30))
    made = await planned(provider, 50, names=names)
    assert await provider.apply(made.changes, unfenced) == ()
    values = sum(len(c.record.values) for c in made.changes)
    assert len(fake.batches) >= values / MOST_VALUES > 3


async def test_the_form_is_changed_in_one_batch_both_ways(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    for rules in (RULES, MULTI, replace(RULES, form=Form("weighted 1", each=True)), RULES):
        made = await planned(provider, 3, rules)
        assert await provider.apply(made.changes, unfenced) == ()
        assert await planned(provider, 3, rules) == Plan()
        assert fake.values(NAME) == {"10.0.1.1", "10.0.1.2", "10.0.1.3"}
    assert len(fake.batches) == 4


async def test_a_weight_that_somebody_changed_is_put_back_and_a_health_check_kept(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    rules = replace(RULES, form=Form("weighted 1", each=True))
    made = await planned(provider, 1, rules)
    await provider.apply(made.changes, unfenced)
    (ours,) = [s for s in fake.sets["Z0EXAMPLE"] if s["Type"] == "A"]
    ours |= {"Weight": 0, "HealthCheckId": "check"}
    made = await planned(provider, 1, rules)
    assert str(made.changes[0]).endswith("weighted 0 -> 10.0.1.1 ttl 60 weighted 1")
    assert await provider.apply(made.changes, unfenced) == ()
    (ours,) = [s for s in fake.sets["Z0EXAMPLE"] if s["Type"] == "A"]
    assert (ours["Weight"], ours["HealthCheckId"]) == (1, "check")


ALIAS = {"HostedZoneId": "Z1", "DNSName": "lb.example.com.", "EvaluateTargetHealth": False}


@pytest.mark.parametrize(
    ("more", "kind", "routing"),
    [
        ({"AliasTarget": ALIAS}, "ALIAS", ""),
        ({"Region": "eu-west-1", "SetIdentifier": "eu"}, "A", "by Region"),
        ({"Weight": 7, "SetIdentifier": "blue"}, "A", "weighted 7"),
    ],
)
async def test_what_others_made_is_told_apart(
    more: dict[str, Any], kind: str, routing: str, fake: FakeRoute53, provider: Route53Provider
) -> None:
    fake.put(NAME, "10.9.0.1", **more)
    (record,) = await provider.read([NAME])
    assert (record.kind, record.routing) == (kind, routing)
    assert (await planned(provider, 1)).changes == ()


async def test_throttled_calls_are_tried_again_then_told(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    fake.throttle = 2
    assert await provider.read([NAME]) == ()
    fake.throttle = 100
    with pytest.raises(DnsError, match="throttled"):
        await provider.read([NAME])


async def test_a_write_is_tried_once(fake: FakeRoute53, provider: Route53Provider) -> None:
    made = await planned(provider, 1)

    async def fence() -> None:
        fake.throttle = 1

    with pytest.raises(DnsError, match="throttled"):
        await provider.apply(made.changes, fence)
    assert fake.batches == []
    assert await provider.apply(made.changes, unfenced) == ()


async def test_a_zone_is_the_longest_and_only_one(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    fake.zones["Z0SHOP"], fake.sets["Z0SHOP"] = "shop.example.com.", []
    made = await planned(provider, 1, names=("a.shop.example.com",))
    assert await provider.apply(made.changes, unfenced) == ()
    assert len(fake.sets["Z0SHOP"]) == 2
    fake.zones["Z0PRIVATE"], fake.sets["Z0PRIVATE"] = "example.com.", []
    with pytest.raises(DnsError, match=r"2 zones example\.com: say which"):
        await provider.read(["x.example.com"])
    with pytest.raises(DnsError, match=r"no zone for shop\.example\.org"):
        await provider.read(["shop.example.org"])


async def test_a_zone_that_is_told_is_taken(fake: FakeRoute53, aws: Aws) -> None:
    assert await Route53Provider(aws, "Z0EXAMPLE").read([NAME]) == ()
    assert set(fake.calls) == {"ListResourceRecordSets"}
    with pytest.raises(DnsError, match=r"no such zone: correct dns\.route53\.zone"):
        await Route53Provider(aws, "Z0GONE").read([NAME])


async def test_the_policy_with_dns_allows_what_is_called(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    made = await planned(provider, 1)
    await provider.apply(made.changes, unfenced)
    with_dns, without = (
        {a for s in policy(c)["Statement"] for a in s["Action"]} for c in (("dns",), ())
    )
    assert {f"route53:{call}" for call in fake.calls} == with_dns - without


@pytest.mark.parametrize(
    ("region", "host", "signed"),
    [
        ("us-east-1", "route53.amazonaws.com", "us-east-1"),
        ("eu-west-1", "route53.amazonaws.com", "us-east-1"),
        ("cn-north-1", "route53.amazonaws.com.cn", "cn-northwest-1"),
    ],
)
def test_it_goes_to_the_partitions_one_endpoint(
    region: str, host: str, signed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    clients, sent = Clients(Account(region)), []

    def send(request: AWSPreparedRequest, **_: object) -> None:
        sent.append(request)
        raise EndpointConnectionError(endpoint_url=request.url)

    client = clients.get("route53")
    client.meta.events.register("before-send.*", send)
    with pytest.raises(EndpointConnectionError):
        client.list_hosted_zones_by_name()
    assert sent[0].url.startswith(f"https://{host}/")
    assert f"/{signed}/route53/".encode() in sent[0].headers["Authorization"]
    clients.close()


async def test_the_fake_refuses_what_the_real_one_refuses(fake: FakeRoute53, aws: Aws) -> None:
    """Else the tests above would prove nothing."""
    fake.put(NAME, "10.0.1.1")
    there = {"Name": NAME, "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "10.0.1.1"}]}
    new = there | {"Name": "new.example.com"}
    for action, wanted, told in [
        ("DELETE", there | {"TTL": 60}, "do not match"),
        ("DELETE", new, "not found"),
        ("CREATE", there, "already exists"),
        ("CREATE", there | {"SetIdentifier": "a", "MultiValueAnswer": True}, "other RRSets exist"),
        ("CREATE", new | {"ResourceRecords": [{"Value": "10.0.1"}]}, "Invalid Resource Record"),
        ("CREATE", new | {"Name": "shop.example.org"}, "not permitted in zone"),
        ("CREATE", new | {"Weight": 1}, "SetIdentifier"),
        ("CREATE", there | {"Type": "CNAME"}, "conflicts"),
    ]:
        good = {"Action": "UPSERT", "ResourceRecordSet": new | {"Name": "good.example.com"}}
        batch = {"Changes": [good, {"Action": action, "ResourceRecordSet": wanted}]}
        with pytest.raises(PlatformError, match=told):
            await aws(
                "route53:ChangeResourceRecordSets", HostedZoneId="Z0EXAMPLE", ChangeBatch=batch
            )
    assert fake.values("good.example.com") == set(), "a batch is made whole or not at all"


async def test_a_delete_is_as_exact_as_what_was_read(
    fake: FakeRoute53, provider: Route53Provider
) -> None:
    made = await planned(provider, 1)
    await provider.apply(made.changes, unfenced)
    (record,) = [r for r in await provider.read([NAME]) if r.kind == "A"]
    stale = Record(record.name, "A", record.values, 61)
    (problem,) = await provider.apply([Change(NAME, stale, None)], unfenced)
    assert "do not match" in problem.message
    assert await provider.apply([Change(NAME, record, None)], unfenced) == ()
