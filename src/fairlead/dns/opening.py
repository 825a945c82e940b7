"""Settings -> a provider and how it is used; adapters are imported when they are chosen."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from fairlead.core.dns import Form, Rules
from fairlead.core.dns_settings import Cloudflare, Dns
from fairlead.core.errors import BadInput, DnsError, Missing
from fairlead.core.model import Cluster
from fairlead.dns.keeper import Keeping
from fairlead.ports import Clock, DnsProvider

_FORMS = {
    "simple": Form(),
    "multivalue": Form("multivalue", each=True),
    "weighted": Form("weighted 1", each=True),
}
_LAG = {"route53": 60.0, "cloudflare": 10.0}
"""Seconds until all of a provider's servers answer anew. Route 53: within 60 s (its developer
guide); Cloudflare tells no bound, commonly 5 s."""


def open_dns(cluster: Cluster, clock: Clock) -> tuple[DnsProvider, Keeping]:
    """BadInput where the settings keep no DNS; Missing where a module is to be installed first."""
    dns = cluster.dns
    if not dns.provider:
        raise BadInput("the settings file has no `dns` section: see docs/dns.md")
    provider = _OPEN[dns.provider](cluster, clock)
    rules = Rules(cluster.name, _ttl(dns), dns.most, dns.adopt, _form(dns))
    return provider, Keeping(rules, dns.ttl, _LAG.get(dns.provider, 0.0), dns.dry_run)


def _ttl(dns: Dns) -> int:
    from fairlead.dns.cloudflare import AUTOMATIC

    proxied = dns.provider == "cloudflare" and dns.cloudflare.proxied
    return AUTOMATIC if proxied else max(1, round(dns.ttl))


def _form(dns: Dns) -> Form:
    from fairlead.dns.cloudflare import PROXIED

    if dns.provider == "route53":
        return _FORMS[dns.route53.policy]
    proxied = dns.provider == "cloudflare" and dns.cloudflare.proxied
    return Form(PROXIED) if proxied else Form()


def _hosts(cluster: Cluster, _: Clock) -> DnsProvider:
    from fairlead.dns.files import FilePlace, FileProvider
    from fairlead.dns.hosts import HostsSyntax

    kept = cluster.dns.hosts
    return FileProvider(FilePlace(Path(kept.file), cluster.name, kept.reload), HostsSyntax())


def _zone(cluster: Cluster, _: Clock) -> DnsProvider:
    from fairlead.dns.files import FilePlace, FileProvider
    from fairlead.dns.zone import ZoneSyntax

    kept = cluster.dns.zone
    place = FilePlace(Path(kept.file), cluster.name, kept.reload)
    return FileProvider(place, ZoneSyntax(kept.origin))


def _rfc2136(cluster: Cluster, _: Clock) -> DnsProvider:
    if find_spec("dns") is None:
        raise Missing("dns provider rfc2136 needs dnspython: pip install 'fairlead[dns]'")
    from fairlead.dns.rfc2136 import Rfc2136Provider, Server

    address, _colon, port = cluster.dns.rfc2136.server.partition(":")
    return Rfc2136Provider(Server(address, int(port or 53), cluster.dns.rfc2136.key_file))


def _route53(cluster: Cluster, clock: Clock) -> DnsProvider:
    if find_spec("botocore") is None:
        raise Missing("dns provider route53 needs botocore: pip install 'fairlead[ecs]'")
    from fairlead.aws.client import Aws, Source
    from fairlead.aws.pace import Pace
    from fairlead.dns.route53 import BURST, RATE, Route53Provider

    kept = cluster.dns.route53
    profile = kept.profile or cluster.ecs.profile

    def opened() -> Source:
        from fairlead.aws.session import Account, Clients

        return Clients(Account(kept.region, profile))

    return Route53Provider(Aws(opened, clock, Pace(RATE, BURST)), kept.zone)


def _cloudflare(cluster: Cluster, clock: Clock) -> DnsProvider:
    from fairlead.dns.cloudflare import CloudflareProvider
    from fairlead.dns.cloudflare_api import URL, Access, Api

    kept = cluster.dns.cloudflare
    url = os.environ.get("CLOUDFLARE_BASE_URL") or URL
    return CloudflareProvider(Api(Access(_token(kept), url), clock), kept.zone)


def _token(kept: Cloudflare) -> Callable[[], str]:
    """Read anew for each call: a token that was replaced is used at once."""

    def token() -> str:
        found = _read(kept.token_file) if kept.token_file else _from_environment()
        if not found or any(not 33 <= ord(c) <= 126 for c in found):
            raise DnsError(f"{_place(kept)} holds no API token of Cloudflare")
        return found

    return token


def _from_environment() -> str:
    return os.environ.get("CLOUDFLARE_API_TOKEN", "").strip()


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise DnsError(f"the token in {file} cannot be read: {error}") from error


def _place(kept: Cloudflare) -> str:
    return kept.token_file or "the variable CLOUDFLARE_API_TOKEN"


_OPEN: dict[str, Callable[[Cluster, Clock], DnsProvider]] = {
    "hosts": _hosts,
    "zone": _zone,
    "rfc2136": _rfc2136,
    "route53": _route53,
    "cloudflare": _cloudflare,
}
