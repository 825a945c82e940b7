from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import MeterError
from fairlead.core.scaling.policy import Metric, Source
from fairlead.meters import web
from fairlead.meters.document import DocumentMeter, at
from tests.meters.server import Server, answer, serving
from tests.stub_edges import StubClock

CLOCK = StubClock()
METER = DocumentMeter(CLOCK)


async def read(server: Server, path: str = "", url: str = "/stats", token_file: str = "") -> float:
    return (await METER.read("shop", metric(server.url + url, path, token_file))).value


def metric(url: str, path: str = "", token_file: str = "") -> Metric:
    return Metric(Source.HTTP, url=url, path=path, token_file=token_file)


async def refusal(server: Server, path: str = "", url: str = "/stats?key=secret") -> str:
    with pytest.raises(MeterError) as caught:
        await read(server, path, url)
    assert "secret" not in str(caught.value)
    return str(caught.value)


def says(server: Server, body: Any, *headers: str, status: int = 200) -> None:
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    server.respond = lambda _: answer(text, status, *headers)


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        (7, "", 7.0),
        ({"depth": 12}, "depth", 12.0),
        ({"data": [{"value": 1}, {"value": 2.5}]}, "data.1.value", 2.5),
        ({"0": 3}, "0", 3.0),
        ([[[5]]], "0.0.0", 5.0),
    ],
)
async def test_a_number_in_a_document(server: Server, body: Any, path: str, value: float) -> None:
    says(server, body)
    assert await read(server, path) == value


async def test_a_value_is_of_when_it_was_asked_for_or_older(server: Server) -> None:
    reading = await METER.read("shop", metric(server.url))
    assert reading.at == CLOCK.wall()
    says(server, 1, "age: 40")
    assert (await METER.read("shop", metric(server.url))).at == CLOCK.wall() - 40
    says(server, 1, "age: -1e9")
    assert (await METER.read("shop", metric(server.url))).at == CLOCK.wall()


async def test_the_query_and_the_token_are_sent(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-secret-token\n")
    await read(server, url="/stats?queue=a%20b", token_file=str(tmp_path / "token"))
    asked = server.asked[0]
    assert (asked.path, asked.query) == ("/stats", {"queue": "a b"})
    assert asked.headers["authorization"] == "Bearer a-secret-token"
    assert asked.headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff\xfe", b"a\r\nx-evil: 1"])
async def test_a_token_that_is_none_is_not_sent(
    server: Server, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(MeterError, match="token") as caught:
        await read(server, token_file=str(tmp_path / "token"))
    assert not server.asked
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "path", "why"),
    [
        ("no json", "", "no JSON"),
        ("", "", "no JSON"),
        ("NaN", "", "no JSON"),
        ("1e999", "", "JSON|finite"),
        ("[" * 100_000 + "]" * 100_000, "", "no JSON"),
        (b"\xff\xfe", "", "no JSON"),
        ({"a": "12"}, "a", "a is '12', which is no number"),
        ({"a": None}, "a", "null"),
        ({"a": True}, "a", "no number"),
        ({"a": {"b": 1}}, "a", "an object"),
        ({"a": 1}, "b", "no b"),
        ({"a": [1]}, "a.1", "no a.1"),
        ({"a": [1]}, "a.-1", "no a.-1"),
        ({"a": [1]}, "a." + "9" * 5000, "no a"),
        ({"a": -4}, "a", "only 0 to"),
        ({"a": 1e308}, "a", "only 0 to"),
    ],
)
async def test_documents_without_the_number(server: Server, body: Any, path: str, why: str) -> None:
    says(server, body)
    with pytest.raises(MeterError, match=why):
        await read(server, path)


async def test_a_redirect_is_not_followed(server: Server) -> None:
    says(server, 1, f"location: {server.url}/other?token=secret", status=302)
    assert "status 302" in await refusal(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [204, 401, 404, 500, 503])
async def test_another_status_is_no_value(server: Server, status: int) -> None:
    says(server, 1, status=status)
    assert str(status) in await refusal(server)


async def test_a_huge_answer_is_cut_off(server: Server) -> None:
    server.respond = lambda _: answer(b" " * (8 << 20) + b"1")
    assert "longer than" in await refusal(server)


async def test_an_answer_without_an_end_is_cut_off(server: Server) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    server.respond = lambda _: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk * 64
    server.hang = True
    assert "longer than" in await refusal(server)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n1"])
async def test_a_slow_server_is_given_up(
    server: Server, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TIMEOUT", 0.2)
    server.respond, server.hang = lambda _: sent, True
    assert "not answered in full within 0.2 s" in await refusal(server)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * (1 << 20),
        b"\x00" * 100,
    ],
)
async def test_a_broken_answer(server: Server, sent: bytes) -> None:
    server.respond = lambda _: sent
    assert "localhost" in await refusal(server)


async def test_nobody_listens() -> None:
    async with serving() as server:
        gone = server.url
    with pytest.raises(MeterError, match="cannot connect"):
        await METER.read("shop", metric(gone))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host/",
        "http://",
        "http://user:secret@host/",
        "http://host:99999/",
        "http://[::1/",
        "http://host/a b",
        "http://host/\r\nx:1",
        "http://hös.t/",
        "file:///etc/passwd",
    ],
)
async def test_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(MeterError) as caught:
        await METER.read("shop", metric(url))
    assert "secret" not in str(caught.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For localhost, signed by itself."""
    file = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", file, "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return file


async def test_https_trusts_only_the_machines_certificates(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(context) as server:
        assert "certificate" in await refusal(server)
        assert not server.asked
        trusted = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr("fairlead.wire._trusted", lambda: trusted)
        assert await read(server) == 1.0


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(documents, st.text())
def test_whatever_the_path_it_leads_somewhere_or_is_told(document: Any, path: str) -> None:
    with suppress(MeterError):
        at(document, path)


async def test_reads_do_not_wait_for_one_another(server: Server) -> None:
    values = await asyncio.gather(*(read(server) for _ in range(20)))
    assert values == [1.0] * 20
