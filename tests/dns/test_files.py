"""Files that others write too: what is theirs stays byte for byte, whatever is in it."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys
from pathlib import Path

import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.dns import Change, Record
from fairlead.core.errors import DnsError
from fairlead.dns.files import OUTSIDE, FilePlace, FileProvider
from fairlead.dns.hosts import HostsSyntax
from fairlead.dns.zone import ZoneSyntax

NAME = "shop.example.com"
ONE = Record(NAME, "A", ("10.0.1.1",), 60)
TWO = Record(NAME, "A", ("10.0.1.1", "10.0.1.2"), 60)
SOA = "@ IN SOA ns hostmaster {} 3600 600 86400 5\n@ NS ns\nns A 127.0.0.1\n"


async def unfenced() -> None:
    """Whoever may write."""


def hosts(path: Path, cluster: str = "shop", *reload: str) -> FileProvider:
    return FileProvider(FilePlace(path, cluster, reload), HostsSyntax())


def zone(path: Path, origin: str = "example.com") -> FileProvider:
    return FileProvider(FilePlace(path, "shop"), ZoneSyntax(origin))


async def apply(provider: FileProvider, before: Record | None, after: Record | None) -> None:
    assert await provider.apply([Change(NAME, before, after)], unfenced) == ()


@pytest.mark.parametrize(
    "theirs", [b"", b"127.0.0.1 localhost\n", b"no end of line", b"\xff\xfe\n\r\n\tx\n", b"\n\n"]
)
async def test_the_rest_of_the_file_stays(theirs: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(theirs)
    provider = hosts(path)
    for before, after in ((None, ONE), (ONE, TWO), (TWO, None)):
        await apply(provider, before, after)
        kept = re.sub(rb"(?s)# fairlead shop: begin.*shop: end\n", b"", path.read_bytes())
        ended = theirs if theirs.endswith(b"\n") or not theirs else theirs + b"\n"
        assert kept == ended


@given(st.text("ab .#;\n\t\"'()0", max_size=40))
def test_any_text_of_others_stays(text: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(text.encode())
        for provider in (hosts(path), zone(path)):
            asyncio.run(apply(provider, None, TWO))
            assert asyncio.run(provider.read([NAME])) == (TWO,)
            asyncio.run(apply(provider, TWO, None))
        assert path.read_text() in {text, text + "\n"}


async def test_mode_and_owner_stay_and_a_new_file_is_for_all_to_read(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("")
    old.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(old, 65534, 65534)
    before = old.stat()
    await apply(hosts(old), None, ONE)
    await apply(hosts(new), None, ONE)
    after = old.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert stat.S_IMODE(new.stat().st_mode) == 0o644


async def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("127.0.0.1 localhost\n")
    (tmp_path / "hosts").symlink_to("real")
    await apply(hosts(tmp_path / "hosts"), None, ONE)
    assert (tmp_path / "hosts").is_symlink()
    assert NAME in (tmp_path / "real").read_text()


async def test_clusters_have_a_section_each(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    blog = Record("blog.example.com", "A", ("10.0.2.1",), 60)
    await apply(hosts(path), None, ONE)
    await hosts(path, "blog").apply([Change(blog.name, None, blog)], unfenced)
    await apply(hosts(path), ONE, None)
    assert await hosts(path, "blog").read([blog.name]) == (blog,)
    (seen,) = await hosts(path).read([blog.name])
    assert seen.set_id == OUTSIDE


@pytest.mark.parametrize("gone", ["begin", "end"])
async def test_a_section_without_its_first_or_last_line_is_not_guessed(
    gone: str, tmp_path: Path
) -> None:
    path = tmp_path / "hosts"
    await apply(hosts(path), None, ONE)
    text = "".join(x for x in path.read_text().splitlines(True) if f": {gone}" not in x)
    path.write_text(text)
    with pytest.raises(DnsError, match="lost its first or last line"):
        await hosts(path).read([NAME])
    with pytest.raises(DnsError, match="lost its first or last line"):
        await apply(hosts(path), ONE, TWO)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("serial", "next_one"), [("2026010100", "2026010101"), ("9", "10"), ("4294967295", "1")]
)
@pytest.mark.parametrize("form", ["{}", "( {}", "( ; serial\n  {} ; now\n"])
async def test_the_serial_grows_with_each_change(
    serial: str, next_one: str, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "db"
    soa = SOA.format(form.format(serial))
    soa = soa.replace(" 5\n", " 5 )\n", 1) if "(" in form else soa
    path.write_text(f"$TTL 1h\n{soa}")
    await apply(zone(path), None, ONE)
    parsed = dns.zone.from_text(path.read_text(), "example.com.")
    assert str(parsed.get_soa().serial) == next_one
    assert {str(a) for a in parsed.find_rdataset("shop", "A")} == {"10.0.1.1"}


async def test_a_part_that_is_to_be_included_has_no_serial(tmp_path: Path) -> None:
    path = tmp_path / "part"
    await apply(zone(path), None, ONE)
    assert path.read_text().splitlines()[1] == f"{NAME}. 60 IN A 10.0.1.1"


async def test_what_stands_in_a_zone_is_read_as_a_name_server_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "db"
    path.write_text(
        "$ORIGIN example.com.\n$TTL 5m\n"
        + SOA.format(1)
        + 'shop 1h IN A 10.9.0.1 ; "a comment"\n     IN A 10.9.0.2\n'
        "  AAAA 2001:db8::9\n"
        '_fairlead.SHOP IN TXT ("heritage=" ; in parts\n "fairlead,cluster=other" )\n'
        "$ORIGIN sub\napi A 10.9.0.3\nwww CNAME @\n"
    )
    assert set(await zone(path).read([NAME])) == {
        Record(NAME, "A", ("10.9.0.1", "10.9.0.2"), 300, OUTSIDE),
        Record(NAME, "AAAA", ("2001:db8::9",), 300, OUTSIDE),
        Record(f"_fairlead.{NAME}", "TXT", ("heritage=fairlead,cluster=other",), 300, OUTSIDE),
    }
    assert await zone(path).read(["api.sub.example.com", "www.sub.example.com"]) == (
        Record("api.sub.example.com", "A", ("10.9.0.3",), 300, OUTSIDE),
        Record("www.sub.example.com", "CNAME", ("sub.example.com",), 300, OUTSIDE),
    )


async def test_a_name_outside_of_the_zone_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "db"
    other = Record("shop.example.net", "A", ("10.0.1.1",), 60)
    (problem,) = await zone(path).apply(
        [Change(other.name, None, other), Change(NAME, None, ONE)], unfenced
    )
    assert "not in the zone example.com" in problem.message
    assert await zone(path).read([NAME, other.name]) == (ONE,)


async def test_the_server_is_told_until_it_has_heard(tmp_path: Path) -> None:
    """A reload that failed is tried again with the next read, though nothing changes any more."""
    path, heard = tmp_path / "hosts", tmp_path / "heard"
    code = (
        "import pathlib, sys\n"
        f"if not pathlib.Path({str(tmp_path / 'ready')!r}).exists(): sys.exit('not ready yet')\n"
        f"pathlib.Path({str(heard)!r}).open('a').write('x')"
    )
    provider = hosts(path, "shop", sys.executable, "-c", code)
    with pytest.raises(DnsError, match="not ready yet"):
        await apply(provider, None, ONE)
    with pytest.raises(DnsError, match="not ready yet"):
        await provider.read([NAME])
    (tmp_path / "ready").touch()
    assert await provider.read([NAME]) == (ONE,)
    await provider.read([NAME])
    assert heard.read_text() == "x"


async def test_a_reload_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    provider = hosts(tmp_path / "hosts", "shop", str(tmp_path / "no-such-program"))
    with pytest.raises(DnsError, match="cannot be started"):
        await apply(provider, None, ONE)
