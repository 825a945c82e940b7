"""The keys of `dns:`."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.settings import words
from fairlead.settings.groups import Either, ListOf
from fairlead.settings.numbers import Duration, Number
from fairlead.settings.place import At
from fairlead.settings.sections import Fields, Key, Section
from fairlead.settings.texts import Choice, Flag, Written

PROVIDERS = ("hosts", "zone", "rfc2136", "route53", "cloudflare")
_NEEDED = {"zone": "dns.zone.file", "rfc2136": "dns.rfc2136.server"}
_MINUTE, _DAY = 60.0, 86400.0
_COMMAND = ListOf(Written("a word of the command", 4096), "words: [program, argument]", 100)


def _complete(dns: Fields) -> str:
    """The block of the chosen provider, and no other."""
    provider = dns.get("dns.provider", PROVIDERS[0])
    for other in PROVIDERS:
        if other != provider and any(field.startswith(f"dns.{other}.") for field in dns):
            return f"{other} is of use only with provider: {other}"
    if provider == "cloudflare" and dns.get("dns.ttl", _MINUTE) < _MINUTE:
        return "ttl: Cloudflare takes one minute or more"
    if (needed := _NEEDED.get(provider)) and needed not in dns:
        return f'"{provider}" is missing: the settings of provider {provider}'
    return ""


def _with_provider(dns: Fields) -> Fields:
    return {"dns.provider": PROVIDERS[0], **dns}


@dataclass(frozen=True)
class Named(Flag):
    """Whether a service's hosts are named at all."""

    def read(self, at: At) -> Fields:  # type: ignore[override]
        return {"named": super().read(at)}


_HOSTS = Section(
    (
        Key("file", words.ANY_FILE, "The file; lines outside of fairlead's section stay.",
            "dns.hosts.file"),
        Key("reload", _COMMAND, "A command for after each change: argv, never a shell.",
            "dns.hosts.reload", default="none"),
    )
)  # fmt: skip

_ZONE = Section(
    (
        Key("file", words.ANY_FILE, "The zone file; lines outside of fairlead's section stay, but "
            "for the SOA's serial, which grows.", "dns.zone.file", required=True),
        Key("origin", words.DNS_NAME, "The zone's name.", "dns.zone.origin", required=True),
        Key("reload", _COMMAND, "A command that makes the name server read the file again: argv, "
            "never a shell.", "dns.zone.reload", default="none"),
    )
)  # fmt: skip

_RFC2136 = Section(
    (
        Key("server", words.SERVER, "The zone's primary name server; port 53 unless told.",
            "dns.rfc2136.server", required=True),
        Key("key_file", words.ANY_FILE, "A file with a TSIG key, as `tsig-keygen` or `keymgr -t` "
            "write it.", "dns.rfc2136.key_file", default="none: updates are not signed"),
    )
)  # fmt: skip

_ROUTE53 = Section(
    (
        Key("zone", words.HOSTED_ZONE, "The hosted zone's id.", "dns.route53.zone",
            default="found by the name"),
        Key("policy", Choice(("simple", "multivalue", "weighted")),
            "One record set with all addresses, or a multivalue or weighted set for each.",
            "dns.route53.policy"),
        Key("region", words.REGION, "Any region of the partition of AWS that has the zone.",
            "dns.route53.region"),
        Key("profile", words.PROFILE, "A profile of AWS's configuration files.",
            "dns.route53.profile", default="as AWS's tools find it"),
    )
)  # fmt: skip

_CLOUDFLARE = Section(
    (
        Key("zone", words.CLOUDFLARE_ZONE, "The zone's id.", "dns.cloudflare.zone",
            default="found by the name"),
        Key("token_file", words.ANY_FILE, "A file with an API token of the rights Zone Read and "
            "DNS Edit.", "dns.cloudflare.token_file", default="the variable CLOUDFLARE_API_TOKEN"),
        Key("proxied", Flag(), "Have Cloudflare's proxy in front of the nodes.",
            "dns.cloudflare.proxied"),
    )
)  # fmt: skip

DNS = Section(
    (
        Key("provider", Choice(PROVIDERS), "Where the records are kept.", "dns.provider",
            default=f"`{PROVIDERS[0]}`"),
        Key("names", ListOf(words.DNS_NAME, "names: [shop.example.com]", 1000, distinct="name"),
            "The names that lead to the nodes.", "dns.names",
            default="the routes' hosts, without wildcards and localhost"),
        Key("ttl", Duration(1, _DAY), "How long resolvers may keep an answer.", "dns.ttl"),
        Key("addresses", Choice(("private", "public")), "Which addresses of the nodes are named.",
            "dns.addresses"),
        Key("address", words.IP, "This machine's own address (platforms process and docker).",
            "dns.address", default="needed there"),
        Key("most", Number(0, 1), "Share of a name's addresses that one pass may take away; one "
            "always may, the last never.", "dns.most"),
        Key("adopt", Flag(), "Take over records of these names that fairlead did not make.",
            "dns.adopt"),
        Key("dry_run", Flag(), "Tell what would be changed, as events, and change nothing.",
            "dns.dry_run"),
        Key("hosts", _HOSTS, "A hosts file (provider hosts)."),
        Key("zone", _ZONE, "A zone file (provider zone)."),
        Key("rfc2136", _RFC2136, "A name server that takes updates (provider rfc2136)."),
        Key("route53", _ROUTE53, "Amazon Route 53 (provider route53)."),
        Key("cloudflare", _CLOUDFLARE, "Cloudflare (provider cloudflare)."),
    ),
    rule=_complete,
    make=_with_provider,
)  # fmt: skip

DNS_OF_SERVICE = Either((Named(), DNS))
