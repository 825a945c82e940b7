"""What only Cloudflare has: records with ids, proxying, pages, a bound on calls, its token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from fairlead.clock import SystemClock
from fairlead.core.dns import DnsNode, Form, Rules
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import DnsError
from fairlead.dns.cloudflare import AUTOMATIC, MOST, PROXIED, CloudflareProvider
from fairlead.dns.cloudflare_api import Access, Api
from tests.dns.cloudflare import TOKEN, FakeCloudflare, cloudflare

NAME = "shop.example.com"
RULES = Rules("shop", most=1.0)


@pytest.fixture
def fake() -> Iterator[FakeCloudflare]:
    with cloudflare() as fake:
        yield fake


@pytest.fixture
async def provider(fake: FakeCloudflare) -> AsyncIterator[CloudflareProvider]:
    provider = CloudflareProvider(Api(Access(lambda: TOKEN, fake.url), SystemClock()))
    yield provider
    await provider.close()


async def unfenced() -> None:
    """Whoever may write."""


async def planned(
    provider: CloudflareProvider, count: int, rules: Rules = RULES, names: tuple[str, ...] = (NAME,)
) -> Plan:
    nodes = [DnsNode(f"n{n}", f"10.0.1.{n}") for n in range(1, count + 1)]
    return plan(names, nodes, await provider.read(names), rules)


async def test_a_batch_is_parted_from_a_name_that_is_bad(
    fake: FakeCloudflare, provider: CloudflareProvider
) -> None:
    names = tuple(f"s{n}.example.com" for n in range(3))
    made = await planned(provider, 1, names=names)
    fake.put("s1.example.com", "lb.example.net", kind="CNAME")  # A beside a CNAME is refused
    (problem,) = await provider.apply(made.changes, unfenced)
    assert problem.name == "s1.example.com"
    assert "81053" in problem.message
    assert fake.batches == [6, 2, 2, 2]
    assert fake.values("s2.example.com") == {"10.0.1.1"}
    assert fake.values("s1.example.com") == set()
    assert fake.values("_fairlead.s1.example.com", "TXT") == set()


async def test_batches_stay_below_the_bound(
    fake: FakeCloudflare, provider: CloudflareProvider
) -> None:
    names = tuple(f"s{n}.example.com" for n in range(9))
    made = await planned(provider, 50, names=names)
    assert await provider.apply(made.changes, unfenced) == ()
    assert len(fake.batches) == 3
    assert sum(fake.batches) == 9 * 51
    assert max(fake.batches) <= MOST


async def test_proxying_is_turned_on_and_off_and_put_right_for_one_record(
    fake: FakeCloudflare, provider: CloudflareProvider
) -> None:
    proxied = replace(RULES, ttl=AUTOMATIC, form=Form(PROXIED))
    for rules in (RULES, proxied, RULES, proxied):
        made = await planned(provider, 2, rules)
        assert await provider.apply(made.changes, unfenced) == ()
        assert await planned(provider, 2, rules) == Plan()
        wanted = rules is proxied
        assert {i["proxied"] for i in fake.items if i["type"] == "A"} == {wanted}
    ids = {i["id"] for i in fake.items}
    fake.items[-1]["proxied"] = False
    made = await planned(provider, 2, proxied)
    assert await provider.apply(made.changes, unfenced) == ()
    assert {i["proxied"] for i in fake.items if i["type"] == "A"} == {True}
    assert {i["id"] for i in fake.items} == ids, "records are changed, not replaced"


async def test_all_pages_are_read(fake: FakeCloudflare, provider: CloudflareProvider) -> None:
    fake.put(NAME, *(f"10.9.0.{n}" for n in range(1, 14)))
    (record,) = await provider.read([NAME])
    assert len(record.values) == 13
    assert sum("dns_records" in call for call in fake.calls) == 4 + 1


async def test_a_short_wait_is_waited_by_reads_and_never_by_writes(
    fake: FakeCloudflare, provider: CloudflareProvider
) -> None:
    fake.retry_after, fake.failures = 0, [429, 429]
    made = await planned(provider, 1)

    async def fence() -> None:
        fake.failures = [429]

    with pytest.raises(DnsError, match="too many"):
        await provider.apply(made.changes, fence)
    assert fake.failures == []
    assert sum(call.startswith("POST") for call in fake.calls) == 1
    assert fake.batches == []


async def test_a_long_wait_is_left_to_the_caller(
    fake: FakeCloudflare, provider: CloudflareProvider
) -> None:
    fake.left, fake.retry_after = 0, 240
    with pytest.raises(DnsError, match="takes no calls for 240s") as told:
        await provider.read([NAME])
    assert told.value.retry_after == 240
    assert len(fake.calls) == 1


async def test_a_failure_of_cloudflare_is_told(
    fake: FakeCloudflare, provider: CloudflareProvider
) -> None:
    fake.failures = [503]
    with pytest.raises(DnsError, match="status 503"):
        await provider.read([NAME])
    assert await provider.read([NAME]) == ()


async def test_a_token_that_is_not_accepted_says_what_it_needs(fake: FakeCloudflare) -> None:
    provider = CloudflareProvider(Api(Access(lambda: "wrong", fake.url), SystemClock()))
    with pytest.raises(DnsError, match="Zone Read and DNS Edit"):
        await provider.read([NAME])
    await provider.close()


async def test_a_name_of_no_zone_is_told(provider: CloudflareProvider) -> None:
    with pytest.raises(DnsError, match=r"no zone for shop\.example\.org"):
        await provider.read(["shop.example.org"])


async def test_a_zone_that_is_told_is_not_looked_for(fake: FakeCloudflare) -> None:
    provider = CloudflareProvider(Api(Access(lambda: TOKEN, fake.url), SystemClock()), "zone1")
    assert await provider.read([NAME]) == ()
    assert "GET /zones" not in fake.calls
    await provider.close()
