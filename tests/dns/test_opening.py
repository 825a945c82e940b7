"""Settings -> the provider that they mean; and what is told where it cannot be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.clock import SystemClock
from fairlead.core.dns import Form
from fairlead.core.errors import BadInput, DnsError, Missing
from fairlead.core.model import Cluster
from fairlead.dns import opening
from fairlead.dns.opening import open_dns
from fairlead.settings import parse
from tests.dns.cloudflare import TOKEN, cloudflare

HEAD = "cluster: shop\nplatform: ecs\n"


def cluster(dns: str) -> Cluster:
    return parse(f"{HEAD}dns: {{{dns}}}\n")


@pytest.mark.parametrize(
    ("dns", "kind", "form", "ttl", "lag"),
    [
        ("", "FileProvider", Form(), 60, 0),
        ("provider: zone, zone: {file: a, origin: example.com}", "FileProvider", Form(), 60, 0),
        ("provider: rfc2136, rfc2136: {server: 10.0.0.2}, ttl: 5s", "Rfc2136Provider",
         Form(), 5, 0),
        ("provider: route53", "Route53Provider", Form(), 60, 60),
        ("provider: route53, route53: {policy: weighted}", "Route53Provider",
         Form("weighted 1", each=True), 60, 60),
        ("provider: cloudflare", "CloudflareProvider", Form(), 60, 10),
        ("provider: cloudflare, cloudflare: {proxied: true}", "CloudflareProvider",
         Form("proxied"), 1, 10),
    ],
)  # fmt: skip
async def test_each_provider(dns: str, kind: str, form: Form, ttl: int, lag: float) -> None:
    provider, keeping = open_dns(cluster(dns), SystemClock())
    assert type(provider).__name__ == kind
    assert (keeping.rules.form, keeping.rules.ttl, keeping.lag) == (form, ttl, lag)
    assert keeping.rules.cluster == "shop"
    assert keeping.ttl == (5 if "5s" in dns else 60)
    await provider.close()


def test_without_the_section_there_is_nothing_to_open() -> None:
    with pytest.raises(BadInput, match="no `dns` section"):
        open_dns(Cluster(), SystemClock())


@pytest.mark.parametrize(
    ("dns", "extra"),
    [("provider: rfc2136, rfc2136: {server: 10.0.0.2}", "dns"), ("provider: route53", "ecs")],
)
def test_a_module_that_is_missing_is_named(
    dns: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    with pytest.raises(Missing, match=rf"fairlead\[{extra}\]"):
        open_dns(cluster(dns), SystemClock())


async def test_the_token_comes_from_its_file_or_the_environment_each_time_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    with cloudflare() as fake:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", fake.url)
        plain = cluster("provider: cloudflare")
        kept = replace(plain.dns.cloudflare, token_file=str(file))
        filed = replace(plain, dns=replace(plain.dns, cloudflare=kept))
        from_file, _ = open_dns(filed, SystemClock())
        from_environment, _ = open_dns(plain, SystemClock())
        monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
        with pytest.raises(DnsError, match="token"):
            await from_file.read(["shop.example.com"])
        with pytest.raises(DnsError, match="CLOUDFLARE_API_TOKEN"):
            await from_environment.read(["shop.example.com"])
        file.write_text(f"{TOKEN}\n")
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
        assert await from_file.read(["shop.example.com"]) == ()
        assert await from_environment.read(["shop.example.com"]) == ()
        for provider in (from_file, from_environment):
            await provider.close()
