"""Each service of examples/shop, started as it is and used over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).parents[2] / "examples" / "shop"
LIMIT = 20.0


class Copy:
    """One running service."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.process = subprocess.Popen(
            [sys.executable, SHOP / f"{name}.py", "--port", str(self.port)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
        )

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        connection = self.connect()
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), json.loads(answer.read())
        finally:
            connection.close()

    def wait_until_up(self) -> None:
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            try:
                assert self.call("GET", "/actuator/health")[::2] == (200, {"status": "UP"})
            except OSError:
                assert self.process.poll() is None
                time.sleep(0.02)
            else:
                return
        pytest.fail("did not come up")

    def end(self) -> str:
        """Ask it to end; what it said while it lived."""
        self.process.terminate()
        output = self.process.communicate(timeout=LIMIT)[0]
        assert self.process.returncode == 0
        return output.decode()


Start = Callable[..., Copy]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    copies: list[Copy] = []

    def begin(name: str, **environment: str) -> Copy:
        copies.append(Copy(name, {"SHOP_DATA": str(tmp_path / "data"), **environment}))
        copies[-1].wait_until_up()
        return copies[-1]

    yield begin
    for copy in copies:
        if copy.process.poll() is None:
            copy.end()


def test_catalog_lists_adds_and_finds(start: Start) -> None:
    catalog = start("catalog")
    status, headers, content = catalog.call("GET", "/items")
    assert (status, headers["X-Instance"]) == (200, str(catalog.port))
    assert "brass fairlead" in [item["name"] for item in content["items"]]
    assert catalog.call("POST", "/items", {"name": "sea anchor", "price": 990})[0] == 201
    assert catalog.call("GET", "/items/sea%20anchor")[2]["price"] == 990
    assert catalog.call("GET", "/items/nothing")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("POST", "/actuator/health", {"a": 1}, 405),
        ("GET", "/items?after=x", None, 400),
        ("POST", "/items", None, 400),
        ("POST", "/items", ["a", "list"], 400),
        ("POST", "/items", {"name": "", "price": 1}, 400),
        ("POST", "/items", {"name": "a" * 201, "price": 1}, 400),
        ("POST", "/items", {"name": "a", "price": -1}, 400),
        ("POST", "/items", {"name": "a", "price": True}, 400),
        ("POST", "/items", {"name": "a" * 70_000, "price": 1}, 413),
    ],
)
def test_catalog_refuses(start: Start, method: str, path: str, body: object, status: int) -> None:
    catalog = start("catalog")
    answer = catalog.call(method, path, body)
    assert answer[0] == status
    assert answer[2]["error"]
    assert len(catalog.call("GET", "/items")[2]["items"]) == 5


def test_two_copies_write_to_one_file(start: Start) -> None:
    copies = [start("catalog"), start("catalog")]
    statuses: list[int] = []

    def write(writer: int) -> None:
        for number in range(20):
            item = {"name": f"item {writer} {number}", "price": number}
            statuses.append(copies[writer % 2].call("POST", "/items", item)[0])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert statuses == [201] * 80
    for copy in copies:
        assert len(copy.call("GET", "/items")[2]["items"]) == 85


def test_many_copies_start_at_once_on_a_new_database(tmp_path: Path) -> None:
    copies = [Copy("accounts", {"SHOP_DATA": str(tmp_path)}) for _ in range(4)]
    try:
        for copy in copies:
            copy.wait_until_up()
    finally:
        for copy in copies:
            copy.process.kill()
            copy.process.communicate(timeout=LIMIT)


def test_a_copy_without_its_database_says_down(start: Start, tmp_path: Path) -> None:
    catalog = start("catalog")
    for file in (tmp_path / "data").glob("catalog.db*"):
        file.unlink()
    assert catalog.call("GET", "/actuator/health")[::2] == (503, {"status": "DOWN"})


def test_accounts_honour_the_tokens_of_another_copy(start: Start) -> None:
    one, other = start("accounts"), start("accounts")
    account = {"name": "ada", "password": "a line, a rail"}
    assert one.call("POST", "/accounts", account)[::2] == (201, {"name": "ada"})
    assert other.call("POST", "/accounts", account)[0] == 409
    token = one.call("POST", "/login", account)[2]["token"]
    assert other.call("GET", "/me", Authorization=f"Bearer {token}")[::2] == (200, {"name": "ada"})


def test_accounts_refuse_the_unknown(start: Start) -> None:
    accounts = start("accounts")
    accounts.call("POST", "/accounts", {"name": "ada", "password": "right"})
    assert accounts.call("POST", "/login", {"name": "ada", "password": "wrong"})[0] == 401
    assert accounts.call("POST", "/login", {"name": "bob", "password": "right"})[0] == 401
    assert accounts.call("GET", "/me")[0] == 401
    assert accounts.call("GET", "/me", Authorization="Bearer made-up")[0] == 401


def test_accounts_keep_no_password_and_no_token(start: Start, tmp_path: Path) -> None:
    accounts = start("accounts")
    account = {"name": "ada", "password": "a very long password"}
    accounts.call("POST", "/accounts", account)
    token = accounts.call("POST", "/login", account)[2]["token"]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())
    assert b"ada" in kept
    assert account["password"].encode() not in kept
    assert token.encode() not in kept


def test_alerts_remember_a_word_once(start: Start) -> None:
    alerts = start("alerts")
    for word in ("Brass", "brass", "anchor"):
        assert alerts.call("POST", "/alerts", {"email": "a@example.com", "word": word})[0] == 201
    assert alerts.call("GET", "/alerts/a@example.com")[2] == {"words": ["anchor", "brass"]}
    assert alerts.call("GET", "/alerts/b@example.com")[2] == {"words": []}


def test_text_search_reads_all_pages_of_the_catalog(start: Start) -> None:
    catalog = start("catalog")
    for number in range(101):
        catalog.call("POST", "/items", {"name": f"Shackle {number}", "price": 1})
    search = start("text_search", FRONT_DOOR=f"http://127.0.0.1:{catalog.port}")
    assert len(search.call("GET", "/search?q=shackle")[2]["items"]) == 101
    found = search.call("GET", "/search?q=fairlead+brass")[2]["items"]
    assert [item["name"] for item in found] == ["brass fairlead"]
    assert search.call("GET", "/search")[0] == 400


def test_text_search_says_when_catalog_is_away(start: Start) -> None:
    catalog = start("catalog")
    catalog.end()
    search = start("text_search", FRONT_DOOR=f"http://127.0.0.1:{catalog.port}")
    status, _, content = search.call("GET", "/search?q=brass")
    assert status == 502
    assert "catalog does not answer" in content["error"]


def test_frontend_serves_its_page(start: Start) -> None:
    connection = start("frontend").connect()
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"/api/" in answer.read()
    connection.close()


def test_one_connection_carries_many_requests(start: Start) -> None:
    connection = start("catalog").connect()
    connection.connect()
    opened = connection.sock
    for _ in range(3):
        connection.request("GET", "/items")
        connection.getresponse().read()
    assert connection.sock is opened
    connection.close()


def test_sigterm_waits_for_the_request_in_flight(start: Start) -> None:
    catalog = start("catalog")
    body = json.dumps({"name": "late", "price": 1}).encode()
    head = f"POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", catalog.port), timeout=LIMIT) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")  # it now waits for the body
        catalog.process.send_signal(signal.SIGTERM)
        wait_until_refused(catalog.port)
        connection.sendall(body)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b"Connection: close" in answer
    assert b'"late"' in answer
    output = catalog.process.communicate(timeout=LIMIT)[0]
    assert catalog.process.returncode == 0
    assert b"every request finished" in output


def wait_until_refused(port: int) -> None:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=LIMIT).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # it was in the queue when the socket was closed
        time.sleep(0.02)
    pytest.fail("still takes connections")
