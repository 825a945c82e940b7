"""Every DNS provider with a place of its own, and with somebody else who writes there too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fairlead.aws.client import Aws
from fairlead.aws.pace import Pace
from fairlead.aws.session import Account, Clients
from fairlead.clock import SystemClock
from fairlead.core.dns import Form
from fairlead.dns.cloudflare import AUTOMATIC, PROXIED, CloudflareProvider
from fairlead.dns.cloudflare_api import Access, Api
from fairlead.dns.files import FilePlace, FileProvider
from fairlead.dns.hosts import HostsSyntax
from fairlead.dns.rfc2136 import Rfc2136Provider, Server
from fairlead.dns.route53 import Route53Provider
from fairlead.dns.zone import ZoneSyntax
from fairlead.ports import DnsProvider
from tests.dns.cloudflare import TOKEN, FakeCloudflare, cloudflare
from tests.dns.knot import Bind, Knot, knot
from tests.dns.route53 import FakeRoute53, route53

Act = Callable[[], Awaitable[None]]
HOSTS = "127.0.0.1 localhost\n# a comment of a person\n10.9.9.9\tmail.example.com mail\n"
ZONE = """\
$TTL 1h
@ IN SOA ns hostmaster (
    2026010100 ; serial
    3600 600 86400 5 )
  IN NS ns
ns IN A 127.0.0.1
mail 5m IN A 10.9.9.9
"""


@dataclass
class World:
    """`put` writes an address record as somebody else, over what is there; `there` is the truth,
    not asked of fairlead's adapter: the addresses of a name. `yields`: others' records have no
    place of their own, so that they can be taken over."""

    open: Callable[[], DnsProvider]
    put: Callable[[str, str], Awaitable[None]]
    there: Callable[[str], Awaitable[set[str]]]
    away: Act
    back: Act
    form: Form = field(default_factory=Form)
    ttl: int = 60
    yields: bool = True


@asynccontextmanager
async def hosts_world(directory: Path) -> AsyncIterator[World]:
    path = directory / "hosts"
    path.write_text(HOSTS)
    yield _FileWorld(path, "127.0.0.1 localhost\n").world(
        lambda: FileProvider(FilePlace(path, "shop"), HostsSyntax()), _hosts_line, _in_hosts
    )


@asynccontextmanager
async def zone_world(directory: Path) -> AsyncIterator[World]:
    path = directory / "db.example.com"
    path.write_text(ZONE)
    yield _FileWorld(path, "$TTL 1h\n").world(
        lambda: FileProvider(FilePlace(path, "shop"), ZoneSyntax("example.com")),
        _zone_line,
        _in_zone,
    )


class _FileWorld:
    """Away: a directory where the file should be."""

    def __init__(self, path: Path, head: str) -> None:
        self._path, self._kept = path, path.with_name("kept")

    def world(
        self,
        opened: Callable[[], DnsProvider],
        line: Callable[[str, str], str],
        values: Callable[[str, str], set[str]],
    ) -> World:
        async def put(name: str, address: str) -> None:
            lines = self._path.read_text().splitlines()
            kept = [x for x in lines if not _names(x, name)]
            inside = next((i for i, x in enumerate(lines) if _names(x, name)), len(kept))
            kept.insert(inside, line(name, address))
            self._path.write_text("\n".join(kept) + "\n")

        async def there(name: str) -> set[str]:
            return values(self._path.read_text(), name)

        async def away() -> None:
            self._path.rename(self._kept)
            self._path.mkdir()

        async def back() -> None:
            self._path.rmdir()
            self._kept.rename(self._path)

        return World(opened, put, there, away, back, yields=False)


def _names(line: str, name: str) -> bool:
    return name in line.replace(f"{name}. ", f"{name} ").split()


def _hosts_line(name: str, address: str) -> str:
    return f"{address} {name}"


def _in_hosts(text: str, name: str) -> set[str]:
    lines = [line.partition("#")[0].split() for line in text.splitlines()]
    return {words[0] for words in lines if name in words[1:]}


def _zone_line(name: str, address: str) -> str:
    return f"{name}. 300 IN A {address}"


def _in_zone(text: str, name: str) -> set[str]:
    import dns.rdatatype
    import dns.zone

    zone = dns.zone.from_text(text, "example.com.")
    node = zone.get_node(f"{name}.")
    found = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.A) if node else None
    return {str(item) for item in found or ()}


@asynccontextmanager
async def rfc2136_world(directory: Path, kind: type[Knot]) -> AsyncIterator[World]:
    with knot(directory, kind=kind) as server:

        async def put(name: str, address: str) -> None:
            server.put(name, "A", address)

        async def there(name: str) -> set[str]:
            return await server.resolve(name, "A")

        async def away() -> None:
            server.stop()

        async def back() -> None:
            server.start()

        await put("mail.example.com", "10.9.9.9")
        place = Server("127.0.0.1", server.port, server.key_file)
        yield World(lambda: Rfc2136Provider(place), put, there, away, back)


FORMS = {
    "simple": Form(),
    "multivalue": Form("multivalue", each=True),
    "weighted": Form("weighted 1", each=True),
}


@asynccontextmanager
async def route53_world(form: Form, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    with route53() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ROUTE_53", f"http://127.0.0.1:{fake.port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr("fairlead.aws.client.backoff", lambda _: 0.01)
        providers: list[Route53Provider] = []

        def opened() -> DnsProvider:
            account = Account("us-east-1")
            aws = Aws(lambda: Clients(account), SystemClock(), Pace(10_000, 10_000))
            providers.append(Route53Provider(aws))
            return providers[-1]

        yield _fake_world(fake, opened, form)
        for provider in providers:
            await provider.close()


@asynccontextmanager
async def cloudflare_world(form: Form, ttl: int) -> AsyncIterator[World]:
    with cloudflare() as fake:
        providers: list[CloudflareProvider] = []

        def opened() -> DnsProvider:
            api = Api(Access(lambda: TOKEN, fake.url), SystemClock())
            providers.append(CloudflareProvider(api))
            return providers[-1]

        yield _fake_world(fake, opened, form, ttl)
        for provider in providers:
            await provider.close()


def _fake_world(
    fake: FakeRoute53 | FakeCloudflare, opened: Callable[[], DnsProvider], form: Form, ttl: int = 60
) -> World:
    async def put(name: str, address: str) -> None:
        fake.put(name, address)

    async def there(name: str) -> set[str]:
        return fake.values(name)

    async def away() -> None:
        fake.stop()

    async def back() -> None:
        fake.start()

    fake.put("mail.example.com", "10.9.9.9")
    return World(opened, put, there, away, back, form, ttl)


_Get = Callable[[str], Any]
WORLDS: dict[str, Callable[[_Get], AbstractAsyncContextManager[World]]] = {
    "hosts": lambda get: hosts_world(get("tmp_path")),
    "zone": lambda get: zone_world(get("tmp_path")),
    "rfc2136 on Knot": lambda get: rfc2136_world(get("tmp_path"), Knot),
    "rfc2136 on BIND": lambda get: rfc2136_world(get("tmp_path"), Bind),
    **{
        f"route53 {name}": lambda get, form=form: route53_world(form, get("monkeypatch"))
        for name, form in FORMS.items()
    },
    "cloudflare": lambda _: cloudflare_world(Form(), 60),
    "cloudflare proxied": lambda _: cloudflare_world(Form(PROXIED), AUTOMATIC),
}
