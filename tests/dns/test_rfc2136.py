"""Dynamic updates against a real Knot: keys, sizes, zones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.tsig
import pytest

from fairlead.core.dns import Change, DnsNode, Record, Rules
from fairlead.core.dns_plan import Plan, plan
from fairlead.core.errors import DnsError
from fairlead.dns.rfc2136 import Rfc2136Provider, Server, tsig_key
from tests.dns.knot import Knot, knot

NAME = "shop.example.com"
SECRET = "c2VjcmV0IG9mIGEgdGVzdCwgMzIgYnl0ZXMgbG9uZyE="
BIND = 'key "fairlead" {{\n\talgorithm hmac-sha256;\n\tsecret "{}";\n}};\n'
OTHER = "b3RoZXIgc2VjcmV0IG9mIGEgdGVzdCwgMzIgYnl0ZXM="


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with knot(tmp_path_factory.mktemp("knot")) as server:
        yield server


@pytest.fixture
def place(server: Knot) -> Server:
    return Server("127.0.0.1", server.port, server.key_file)


async def unfenced() -> None:
    """Whoever may write."""


async def test_more_addresses_than_a_datagram_holds(server: Knot, place: Server) -> None:
    provider, rules = Rfc2136Provider(place), Rules("shop", most=1.0)
    nodes = [DnsNode(f"n{n}", f"10.0.{n // 200}.{n % 200 + 1}") for n in range(600)]
    for wanted in (nodes, nodes[:300]):
        made = plan([NAME], wanted, await provider.read([NAME]), rules)
        assert await provider.apply(made.changes, unfenced) == ()
        assert plan([NAME], wanted, await provider.read([NAME]), rules) == Plan()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BIND.format(OTHER), "does not accept the key"),
        (f"# hmac-sha256:stranger:{SECRET}\n", "does not accept the key"),
        ("nothing", "holds no TSIG key"),
        (BIND.format("no base64!"), "is of no use"),
        (BIND.format(SECRET).replace("256", "255"), "is of no use"),
    ],
)
async def test_a_key_that_is_wrong_is_told(
    text: str, told: str, place: Server, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(text)
    provider = Rfc2136Provider(replace(place, key_file=str(tmp_path / "key")))
    with pytest.raises(DnsError, match=told):
        await provider.read([NAME])


async def test_an_update_that_is_not_allowed_names_what_to_do(place: Server) -> None:
    provider = Rfc2136Provider(replace(place, key_file=""))
    new = Record("x.example.com", "A", ("10.0.0.1",), 60)
    (problem,) = await provider.apply([Change(new.name, None, new)], unfenced)
    assert "allow the key to update the zone" in problem.message


async def test_a_zone_of_another_server_is_told(place: Server) -> None:
    with pytest.raises(DnsError, match="must be the zone's primary"):
        await Rfc2136Provider(place).read(["shop.example.net"])


@pytest.mark.parametrize(
    "text",
    [
        BIND.format(SECRET),
        f'key fairlead {{ secret "{SECRET}"; algorithm hmac-sha256; }};',
        f"# hmac-sha256:fairlead:{SECRET}\nkey:\n  - id: fairlead\n",
        f"hmac-sha256:fairlead:{SECRET}\n",
    ],
)
def test_keys_are_read_as_bind_and_knot_write_them(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)
    key = tsig_key(str(tmp_path / "key"))
    assert key == dns.tsig.Key("fairlead", SECRET, "hmac-sha256")


def test_a_key_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DnsError, match="cannot be read"):
        tsig_key(str(tmp_path / "none"))
    assert tsig_key("") is None
