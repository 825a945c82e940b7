"""What reaches nginx's configuration, and what is stopped at the border."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import ProxyError
from fairlead.core.model import (
    Balance,
    Entry,
    EntryState,
    Front,
    Plain,
    Route,
    ServiceTable,
    Traffic,
)
from fairlead.proxies.plain.config import check, directives
from fairlead.proxies.plain.written import Written, parse
from tests.proxies.plain.ground import PlainGround, need_plain_nginx

ENTRY = Entry("catalog-a", "10.0.1.100", 32768)
TABLE = ServiceTable("catalog", (Route("shop.localhost", "/api/catalog"),), (ENTRY,))
FRONT, PLAIN = Front(), Plain()

HOSTILE = [
    "", " ", "a b", "a;b", "a}b", "a{b", "$host", "a$b", 'a"b', "a'b", "a\\b", "a\nb", "a\rb",
    "a\0b", "a#b", "ä", "a/../b", "127.0.0.1; return 200", "%25", "a\u2028b", "x" * 2000,
]  # fmt: skip


def text_of(*tables: ServiceTable, plain: Plain = PLAIN) -> str:
    return directives(tables, FRONT, plain)


@pytest.mark.parametrize("bad", HOSTILE)
@pytest.mark.parametrize(
    "with_text",
    [
        lambda bad: replace(TABLE, service=bad),
        lambda bad: replace(TABLE, routes=(Route(bad),)),
        lambda bad: replace(TABLE, routes=(Route(f"*.{bad}"),)),
        lambda bad: replace(TABLE, routes=(Route("a.localhost", bad),)),
        lambda bad: replace(TABLE, routes=(Route("a.localhost", f"/{bad}/x"),)),
        lambda bad: replace(TABLE, entries=(replace(ENTRY, address=bad),)),
        lambda bad: replace(TABLE, traffic=Traffic(Balance.HASH, hash_key=bad)),
        lambda bad: replace(TABLE, traffic=Traffic(Balance.HASH, hash_key=f"header:{bad}")),
        lambda bad: replace(TABLE, traffic=Traffic(Balance.HASH, hash_key=f"cookie:{bad}")),
    ],
)
def test_hostile_text_is_refused(with_text: Callable[[str], ServiceTable], bad: str) -> None:
    with pytest.raises(ProxyError):
        check(with_text(bad), FRONT)


@pytest.mark.parametrize(
    "entry", [{"port": 0}, {"port": 65536}, {"port": "80; x"}, {"weight": 0}, {"weight": "1 down"}]
)
def test_hostile_numbers_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ProxyError):
        check(replace(TABLE, entries=(replace(ENTRY, **entry),)), FRONT)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e12])
def test_hostile_durations_are_refused(seconds: float) -> None:
    with pytest.raises(ProxyError):
        check(replace(TABLE, traffic=Traffic(timeout=seconds)), FRONT)


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(Balance.LEAST_TIME),
        Traffic(sticky="c"),
        Traffic(slow_start=1.0),
        Traffic(Balance.HASH, hash_key="cookie:a-b"),
    ],
)
def test_what_nginx_has_only_in_its_commercial_edition_is_refused(traffic: Traffic) -> None:
    with pytest.raises(ProxyError, match=r"catalog: .*nginx"):
        check(replace(TABLE, traffic=traffic), FRONT)


@given(st.text(), st.text(), st.text(), st.integers())
def test_what_passes_the_border_is_made_of_harmless_characters(
    host: str, path: str, address: str, port: int
) -> None:
    """Each token on its own: the text has as many `;` and braces as that of a harmless table."""
    table = replace(
        TABLE, routes=(Route(host, path),), entries=(replace(ENTRY, address=address, port=port),)
    )
    try:
        check(table, FRONT)
    except ProxyError:
        return
    assert not set(host + path + address) & set(" \t\r\n\0;{}$\"'\\#")


def test_draining_ones_are_left_out_and_sick_ones_are_down() -> None:
    entries = (
        ENTRY,
        Entry("b", "10.0.1.101", 32769, EntryState.DOWN, weight=3),
        Entry("c", "10.0.1.102", 32770, EntryState.DRAINING),
    )
    text = text_of(replace(TABLE, entries=entries))
    assert "server 10.0.1.100:32768 weight=1 max_fails=0;" in text
    assert "server 10.0.1.101:32769 weight=3 max_fails=0 down;" in text
    assert "10.0.1.102" not in text


def test_only_upstreams_where_somebody_else_writes_the_servers() -> None:
    text = text_of(TABLE, plain=Plain(servers=False))
    assert "upstream catalog {" in text
    assert "server_name" not in text


def test_the_file_says_again_what_it_was_written_from() -> None:
    entries = (replace(ENTRY, id=f"é\n# {n};}}", port=n) for n in range(1, 60))
    odd = replace(TABLE, entries=tuple(entries))
    written = Written(17, 12, text_of(odd), {"catalog": odd})
    assert parse(written.text) == written
    assert max(len(line.encode()) for line in written.text.split("\n") if line[:1] == "#") < 4096
    heads = {line.split(" ")[0] for line in written.text.split("\n")}
    assert heads == {"#", "#=", "server", "upstream", "map", "}", ""}


@pytest.mark.parametrize("change", [("max_fails=0", "max_fails=9"), ("weight=1", "weight=2")])
def test_a_change_by_hand_is_seen(change: tuple[str, str]) -> None:
    written = Written(1, 1, text_of(TABLE), {"catalog": TABLE})
    assert parse(written.text.replace(*change)).directives != written.directives


@pytest.mark.parametrize(
    "text", ["", "upstream x {}", "# generation 1, reloads 1\n#= [{}]", "\0\ud7ff"]
)
def test_nothing_is_known_of_a_file_that_is_not_ours(text: str) -> None:
    assert parse(text) == Written()


@pytest.mark.integration
@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        replace(TABLE, entries=()),
        replace(TABLE, entries=tuple(replace(ENTRY, id=str(n), port=n) for n in range(1, 1001))),
        replace(TABLE, entries=(Entry("six", "2001:db8::5", 80, EntryState.DOWN),)),
        replace(TABLE, routes=(Route("*"), Route("*.a.localhost", "/x~!&()*+,=:@-_."))),
        replace(TABLE, routes=(Route("a.localhost", strip=True), Route("a.localhost", "/b", True))),
        replace(TABLE, traffic=Traffic(Balance.HASH, hash_key="header:X-User", stream=True)),
        replace(TABLE, traffic=Traffic(Balance.HASH, hash_key="cookie:user", retries=0)),
        replace(TABLE, traffic=Traffic(Balance.ROUND_ROBIN, timeout=0.001, connect_timeout=0.001)),
    ],
)
def test_nginx_takes_what_passes_the_border(tmp_path: Path, table: ServiceTable) -> None:
    need_plain_nginx()
    ground = PlainGround(tmp_path)
    check(table, ground.front)
    written = Written(1, 1, directives([table], ground.front, ground.plain), {"catalog": table})
    (ground.sites / "fairlead.conf").write_text(written.text)
    done = subprocess.run([*ground.plain.binary, "-t", "-q"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
