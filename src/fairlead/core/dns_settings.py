"""What a settings file says of DNS: which names, where they are kept, and how."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HostsFile:
    """`reload` is a command (argv) for after each change; empty for none."""

    file: str = "fairlead.hosts"
    reload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """`origin` is the zone's name."""

    file: str = ""
    origin: str = ""
    reload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Updates:
    """A server that takes RFC 2136's updates: `address:port`. `key_file` holds a TSIG key."""

    server: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Route53:
    """`zone` is a hosted zone's id, empty to find it by the name. `policy`: simple, multivalue or
    weighted. Route 53 is one for a partition of AWS; any region of that names it."""

    zone: str = ""
    policy: str = "simple"
    region: str = "us-east-1"
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Cloudflare:
    """`zone` is a zone's id, empty to find it by the name; `token_file` is empty for the variable
    CLOUDFLARE_API_TOKEN."""

    zone: str = ""
    token_file: str = ""
    proxied: bool = False


@dataclass(frozen=True, slots=True)
class Dns:
    """`provider` empty: no DNS is kept. `names` empty: the hosts of the routes.

    `ttl` is in seconds. `addresses`: which of the nodes' are named, private or public; `address` is
    this machine's own, where the platform knows no nodes. `most` is the share of a name's addresses
    that one pass may take away. `adopt`: take over records that somebody else made. `dry_run`: tell
    what would be changed, and change nothing.
    """

    provider: str = ""
    names: tuple[str, ...] = ()
    ttl: float = 60.0
    addresses: str = "private"
    address: str = ""
    most: float = 0.5
    adopt: bool = False
    dry_run: bool = False
    hosts: HostsFile = field(default_factory=HostsFile)
    zone: ZoneFile = field(default_factory=ZoneFile)
    rfc2136: Updates = field(default_factory=Updates)
    route53: Route53 = field(default_factory=Route53)
    cloudflare: Cloudflare = field(default_factory=Cloudflare)
