from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fairlead.core.errors import ProxyError
from fairlead.core.model import Balance, Entry, EntryState, Route, ServiceTable, Traffic
from fairlead.proxies.naming import checked_name
from fairlead.proxies.nginx.table import decode, encode

TABLE = ServiceTable(
    "catalog",
    (Route("shop.localhost", "/api/catalog", strip=True),),
    (
        Entry("catalog-1", "127.0.0.1", 20001, EntryState.DRAINING, 2, 1790000000.123, "n1", False),
        Entry("catalog-2", "10.0.0.5", 8080),
    ),
    Traffic(balance=Balance.HASH, hash_key="header:X-User", hold=0),
)
HOSTILE = ["", "../up", "a/b", "a b", "-a", "a-", "A", "a" * 64, "a\n", "a\0b", "a?x=1", "é", "a.b"]


def test_reads_what_it_wrote() -> None:
    doc = decode(encode(TABLE, {"catalog-1": 7, "catalog-2": 0}))
    assert doc.table == TABLE
    assert doc.slots == {"catalog-1": 7, "catalog-2": 0}


def test_the_form_is_the_documented_one() -> None:
    assert json.loads(encode(TABLE, {"catalog-1": 7, "catalog-2": 0})) == {
        "service": "catalog",
        "routes": [{"host": "shop.localhost", "path": "/api/catalog", "strip": True}],
        "entries": [
            {
                "id": "catalog-1",
                "address": "127.0.0.1",
                "port": 20001,
                "slot": 7,
                "state": "draining",
                "weight": 2,
                "ready_at": 1790000000.123,
                "node": "n1",
                "near": False,
            },
            {
                "id": "catalog-2",
                "address": "10.0.0.5",
                "port": 8080,
                "slot": 0,
                "state": "up",
                "weight": 1,
                "ready_at": 0.0,
                "node": "",
                "near": True,
            },
        ],
        "traffic": {
            "balance": "hash",
            "locality": "any",
            "hash_key": "header:X-User",
            "sticky": "",
            "slow_start": 0.0,
            "hold": 0,
            "retries": 2,
            "connect_timeout": 1.0,
            "timeout": 60.0,
            "stream": False,
        },
        "asleep": False,
    }


def test_a_table_of_an_earlier_version_is_read() -> None:
    form = json.loads(encode(TABLE, {"catalog-1": 7, "catalog-2": 0}))
    for row in form["entries"]:
        del row["node"], row["near"]
    del form["traffic"]["locality"]
    assert decode(json.dumps(form).encode()).table == replace(
        TABLE, entries=tuple(replace(e, node="", near=True) for e in TABLE.entries)
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"service": 1}', b"\xff"])
def test_other_bytes_are_no_table(body: bytes) -> None:
    with pytest.raises(ProxyError, match="not a service's table"):
        decode(body)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(ProxyError, match="refused"):
        checked_name(name)


def test_a_table_beyond_what_nginx_takes_is_refused() -> None:
    routes = tuple(Route(f"{n}.example.com", "/" + "a" * 200) for n in range(20_000))
    with pytest.raises(ProxyError, match="fewer routes"):
        encode(ServiceTable("catalog", routes), {})
