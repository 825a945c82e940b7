"""fairlead dns, on a hosts file and a real name server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fairlead.clock import SystemClock
from fairlead.core.lease import Lease
from fairlead.leases.file import FileLease
from fairlead.leases.holder import Holder
from tests.dns.knot import knot
from tests.ground import PATIENCE

SERVICES = """
services:
  shop:
    run: [app]
    routes: [shop.example.com, shop.localhost, "*.example.com"]
  api:
    run: [app]
    routes: [shop.example.com/api, api.example.com/x]
  inner:
    run: [app]
    dns: false
    routes: [inner.example.com]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.yaml"
    path.write_text(f"cluster: shop\ndns: {{address: 10.0.1.100}}\n{SERVICES}")
    return path


def test_plan_prints_and_apply_makes_what_it_printed(file: Path, fairlead: Any) -> None:
    hosts = file.with_name("fairlead.hosts")
    planned = fairlead("dns", "plan", "-f", str(file))
    assert planned.status == 0, planned.err
    assert not hosts.exists()
    assert planned.out.splitlines()[-1] == "4 changes, 1 node can serve"
    assert "create shop.example.com A 10.0.1.100 ttl 60 (local can serve)" in planned.out
    applied = fairlead("dns", "apply", "-f", str(file))
    made = planned.out.replace("dry run: nothing was changed\n", "")
    assert (applied.status, applied.out) == (0, made)
    assert made != planned.out
    lines = [line.split() for line in hosts.read_text().splitlines() if line[:1] != "#"]
    assert [words[:2] for words in lines] == [
        ["10.0.1.100", "api.example.com"],
        ["10.0.1.100", "shop.example.com"],
    ]
    again = fairlead("dns", "apply", "-f", str(file))
    assert (again.status, again.out) == (0, "0 changes, 1 node can serve\n")


def test_a_service_has_its_names_kept_where_its_own_section_says(file: Path, fairlead: Any) -> None:
    own = "dns: {address: 10.9.1.1, hosts: {file: other.hosts}}"
    file.write_text(
        f"dns: {{address: 10.0.1.100}}\nservices:\n"
        f"  a: {{run: [a], routes: [a.example.com]}}\n"
        f"  b: {{run: [b], routes: [b.example.com], {own}}}\n"
    )
    result = fairlead("dns", "apply", "-f", str(file))
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "4 changes, 1 node can serve"
    first, second = file.with_name("fairlead.hosts"), file.with_name("other.hosts")
    assert "10.0.1.100 a.example.com" in first.read_text()
    assert "10.9.1.1 b.example.com" in second.read_text()
    assert "b.example.com" not in first.read_text()


def test_a_dry_run_is_one_whatever_is_asked_for(file: Path, fairlead: Any) -> None:
    file.write_text(f"dns: {{address: 10.0.1.100, dry_run: true}}\n{SERVICES}")
    result = fairlead("dns", "apply", "--json", "-f", str(file))
    assert result.status == 0
    document = json.loads(result.out)
    assert (document["dry_run"], len(document["changes"])) == (True, 4)
    assert not file.with_name("fairlead.hosts").exists()


def test_a_name_of_somebody_else_is_told_and_the_rest_is_written(file: Path, fairlead: Any) -> None:
    hosts = file.with_name("fairlead.hosts")
    hosts.write_text("10.9.9.9 api.example.com\n")
    result = fairlead("dns", "apply", "--json", "-f", str(file))
    assert result.status == 1
    assert "10.9.9.9" in result.err
    document = json.loads(result.out)
    assert document["dry_run"] is False
    assert [p["name"] for p in document["problems"]] == ["api.example.com"]
    assert [c["after"]["name"] for c in document["changes"]] == [
        "_fairlead.shop.example.com",
        "shop.example.com",
    ]
    assert "10.0.1.100 shop.example.com" in hosts.read_text()


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("", "no `dns` section"),
        ("dns: {address: 10.0.1.100, names: []}", "expected 1 to 1000 items"),
        ("dns: {}", "address is missing"),
    ],
)
def test_what_cannot_be_used_is_bad_input(head: str, told: str, file: Path, fairlead: Any) -> None:
    file.write_text(f"{head}\n{SERVICES}")
    result = fairlead("dns", "plan", "-f", str(file))
    assert result.status == 2
    assert told in result.err


def test_without_a_name_there_is_nothing_to_do(file: Path, fairlead: Any) -> None:
    file.write_text("dns: {address: 10.0.1.100}\nservices: {a: {run: [a], routes: [a.localhost]}}")
    result = fairlead("dns", "plan", "-f", str(file))
    assert result.status == 2
    assert "set dns.names" in result.err


def test_a_real_name_server_answers_with_the_node(
    file: Path, tmp_path: Path, fairlead: Any
) -> None:
    (tmp_path / "knot").mkdir()
    with knot(tmp_path / "knot") as server:
        place = f"{{server: 127.0.0.1:{server.port}, key_file: knot/fairlead.key}}"
        head = f"dns: {{provider: rfc2136, address: 10.0.1.100, rfc2136: {place}}}"
        file.write_text(f"cluster: shop\n{head}\n{SERVICES}")
        result = fairlead("dns", "apply", "-f", str(file))
        assert result.status == 0, result.err
        assert asyncio.run(server.resolve("shop.example.com", "A")) == {"10.0.1.100"}
    result = fairlead("dns", "plan", "-f", str(file))
    assert result.status == 1
    assert "does not answer" in result.err


def test_beside_a_controller_that_leads_nothing_is_changed(
    file: Path, state: Path, fairlead: Any
) -> None:
    """Its lease is taken for the pass, where nobody holds it."""
    file.write_text(f"controller: {{listen: '127.0.0.1:7700'}}\n{file.read_text()}")
    lease, hosts = state / "controller" / "lease.json", file.with_name("fairlead.hosts")
    with leader(FileLease(lease)):
        refused = fairlead("dns", "apply", "-f", str(file))
        assert fairlead("dns", "plan", "-f", str(file)).status == 0
    assert refused.status == 1
    assert "controller other leads this cluster, and keeps its names" in refused.err
    assert not hosts.exists()
    assert fairlead("dns", "apply", "-f", str(file)).status == 0
    assert hosts.exists()
    once_renewed_and_given_back = Lease("", 2, 2)
    assert asyncio.run(FileLease(lease).read()) == once_renewed_and_given_back


@contextmanager
def leader(store: FileLease) -> Iterator[None]:
    """One that holds the lease and renews it, in a thread of its own."""
    over, taken = threading.Event(), threading.Event()

    async def lead() -> None:
        holder = Holder(store, SystemClock(), "other")
        await holder.take()
        async with holder.kept():
            taken.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(lead(),))
    thread.start()
    assert taken.wait(PATIENCE)
    try:
        yield
    finally:
        over.set()
        thread.join()
