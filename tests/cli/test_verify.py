"""verify against a small front door that names endpoints as nginx does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.cli.trial import quantile
from fairlead.cli.verify import reachable, split_route

TOKEN = "secret-token"


class Door(BaseHTTPRequestHandler):
    """`server.plan(number)` gives the status and the tried addresses of the n-th request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Any = self.server
        with server.lock:
            number = len(server.seen)
            server.seen.append((self.headers["Host"], self.path))
        status, tried = server.plan(number)
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        if self.headers["Upgrade"] == f"fairlead-trace/{TOKEN}" and tried:
            self.send_header("X-Fairlead-Endpoint", tried)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def door(daemon: Any, state: Path) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    server.lock, server.seen = threading.Lock(), []
    server.plan = lambda number: (200, f"127.0.0.1:{(20001, 20003)[number % 2]}")
    daemon.control.listen = f"0.0.0.0:{server.server_port}"
    daemon.control.start("catalog", lag=0.0)
    (state / "nginx").mkdir()
    (state / "nginx" / "trace-token").write_text(TOKEN + "\n")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_it_tells_which_endpoints_answered(fairlead: Any, door: Any) -> None:
    result = fairlead("verify", "catalog", "-n", 20, "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert (found["requests"], found["answered"], found["failed"]) == (20, 20, 0)
    answers = {e["id"]: e["answers"] for e in found["endpoints"]}
    assert answers == {"catalog-20001": 10, "catalog-20003": 10}
    assert 0 < found["p50"] <= found["p99"]
    assert door.seen == [("catalog.localhost", "/health")] * 20


def test_for_people(fairlead: Any, door: Any) -> None:
    result = fairlead("verify", "catalog", "-n", 4, "--path", "/items?a=1")
    assert result.status == 0
    assert door.seen[0][1] == "/items?a=1"
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[1] == [
        "ENDPOINT",
        "ADDRESS",
        "ANSWERS",
        "SHARE",
        "P50",
        "P99",
        "FAILED",
        "RETRIED",
    ]
    assert lines[2][:4] == ["catalog-20001", "127.0.0.1:20001", "2", "50.0%"]
    assert lines[-1][:7] == ["catalog:", "4", "of", "4", "answered,", "4", "with"]


def test_failures_are_told_with_their_reasons(fairlead: Any, door: Any) -> None:
    plans = {
        0: (502, "127.0.0.1:20001, 127.0.0.1:20003"),
        1: (404, ""),
        2: (0, ""),
        3: (200, "127.0.0.1:20001, 127.0.0.1:20003"),
    }
    door.plan = lambda number: plans.get(number, (200, "127.0.0.1:9"))
    result = fairlead("verify", "catalog", "-n", 5, "-c", 1, "--json")
    assert result.status == 1
    found = json.loads(result.out)
    assert found["failed"] == 3
    reasons = " ".join(failure["reason"] for failure in found["failures"])
    assert "answered 502" in reasons
    assert "answered 404 by nginx, without an endpoint" in reasons
    parts = {e["id"]: (e["answers"], e["failures"], e["retried"]) for e in found["endpoints"]}
    assert parts == {
        "catalog-20001": (0, 0, 2),
        "catalog-20003": (1, 1, 0),
        "127.0.0.1:9": (1, 0, 0),
    }


def test_a_ready_endpoint_that_answered_nothing_is_shown(fairlead: Any, door: Any) -> None:
    door.plan = lambda _: (200, "127.0.0.1:20001")
    found = json.loads(fairlead("verify", "catalog", "-n", 3, "--json").out)
    assert {e["id"]: e["answers"] for e in found["endpoints"]} == {
        "catalog-20001": 3,
        "catalog-20003": 0,
    }


def test_a_closed_door_is_a_failure(fairlead: Any, door: Any, daemon: Any, free_port: int) -> None:
    daemon.control.listen = f"127.0.0.1:{free_port}"
    result = fairlead("verify", "catalog", "-n", 3)
    assert result.status == 1
    assert "3 failed: connection refused" in result.out


def test_without_the_token_it_says_so(fairlead: Any, door: Any, state: Path) -> None:
    (state / "nginx" / "trace-token").unlink()
    result = fairlead("verify", "catalog")
    assert result.status == 1
    assert "trace-token" in result.err


@pytest.mark.parametrize("path", ["items", "/a b", "/\r\nX: y", "/ü"])
def test_a_path_that_is_none_is_refused(fairlead: Any, door: Any, path: str) -> None:
    assert fairlead("verify", "catalog", "--path", path).status == 2
    assert door.seen == []


def test_routes_and_listen_addresses() -> None:
    assert split_route("shop.localhost/api/catalog") == ("shop.localhost", "/api/catalog")
    assert split_route("*.example.com") == ("fairlead.example.com", "/")
    assert split_route("*/api") == ("fairlead.localhost", "/api")
    assert reachable("0.0.0.0:80") == ("127.0.0.1", 80)
    assert reachable("[::]:80") == ("::1", 80)
    assert reachable("10.0.0.1:8080") == ("10.0.0.1", 8080)


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_quantile_is_a_value_that_so_many_do_not_exceed(
    values: list[float], share: float
) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
