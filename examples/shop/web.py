"""What the shop's services share: routes, JSON, the health page and the end of a service.

The standard library only. `App` answers requests and knows no sockets; `serve` puts it on a port
and, on SIGTERM, takes no new connection, finishes the requests in flight and returns.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MAX_BODY = 64 * 1024
STOP = {signal.SIGTERM, signal.SIGINT}

HOST = os.environ.get("HOST", "127.0.0.1")


class Refused(Exception):
    """A request that cannot be answered as asked; becomes {"error": message}."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """`args` holds what the route's {names} matched; `query` the first value of each parameter."""

    method: str
    path: str
    args: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    token: str = ""
    body: bytes = b""

    def text(self, name: str) -> str:
        """A text of 1 to 200 characters out of the JSON body. Refused when it is not there."""
        value = self._json().get(name)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= 200:
            raise Refused(HTTPStatus.BAD_REQUEST, f'"{name}": a text of 1 to 200 characters')
        return value.strip()

    def number(self, name: str) -> int:
        """A whole number from 0 to a million out of the JSON body. Refused when it is not there."""
        value = self._json().get(name)
        if type(value) is not int or not 0 <= value <= 1_000_000:
            raise Refused(HTTPStatus.BAD_REQUEST, f'"{name}": a whole number from 0 to 1000000')
        return value

    def _json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    status: HTTPStatus
    body: bytes
    type: str = "application/json"


def reply(content: object, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    return Reply(status, json.dumps(content).encode() + b"\n")


Action = Callable[[Request], Reply]


class App:
    """Routes to actions. `healthy` raises when the service cannot do its work."""

    def __init__(self, name: str, healthy: Callable[[], None] = lambda: None) -> None:
        self.name, self._healthy = name, healthy
        self._routes: list[tuple[str, re.Pattern[str], Action]] = []
        self.route("GET", "/actuator/health")(self._health)

    def route(self, method: str, path: str) -> Callable[[Action], Action]:
        """Register an action; `{name}` in the path matches one segment."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

        def register(action: Action) -> Action:
            self._routes.append((method, pattern, action))
            return action

        return register

    def answer(self, method: str, target: str, token: str, body: bytes) -> Reply:
        """Never raises: a failure of the service itself is logged and becomes a 500."""
        try:
            return self._dispatch(method, target, token, body)
        except Refused as refused:
            return reply({"error": str(refused)}, refused.status)
        except Exception as error:  # noqa: BLE001 - the one place where a service's failure ends
            print(f"{self.name}: {method} {target}: {error!r}", file=sys.stderr, flush=True)
            return reply({"error": "internal error"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _dispatch(self, method: str, target: str, token: str, body: bytes) -> Reply:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        known = [(m, match, a) for m, p, a in self._routes if (match := p.fullmatch(url.path))]
        for wanted, match, action in known:
            if wanted == method:
                args = {name: unquote(value) for name, value in match.groupdict().items()}
                return action(Request(method, url.path, args, query, token, body))
        if known:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{url.path} has no {method}")
        raise Refused(HTTPStatus.NOT_FOUND, f"no such page: {url.path}")

    def _health(self, _: Request) -> Reply:
        try:
            self._healthy()
        except (OSError, sqlite3.Error) as error:
            print(f"{self.name}: not healthy: {error}", file=sys.stderr, flush=True)
            return reply({"status": "DOWN"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return reply({"status": "UP"})


class Server(ThreadingHTTPServer):
    """Counts the requests in flight, so that the service can end after the last of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, app: App, port: int) -> None:
        super().__init__((HOST, port), Handler)
        self.app, self.ending = app, False
        self._in_flight, self._changed = 0, threading.Condition()

    def count(self, step: int) -> None:
        with self._changed:
            self._in_flight += step
            self._changed.notify_all()

    def drain(self, timeout: float = 30.0) -> bool:
        """Take no new connection and wait, at most `timeout` seconds, for the last request."""
        self.ending = True
        self.shutdown()
        self.server_close()
        with self._changed:
            return self._changed.wait_for(lambda: self._in_flight == 0, timeout)


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive; an idle connection is closed after a minute."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    # One write an answer: headers and body sent apart would wait for each other's ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.count(1)
        try:
            self._send(self._answer())
        finally:
            self.server.count(-1)

    do_POST = do_GET  # noqa: N815

    def handle_expect_100(self) -> bool:
        """Sends "100 Continue" at once: the client waits for it before it sends the body."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _answer(self) -> Reply:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            return reply({"error": f"a body of at most {MAX_BODY} bytes, its length said"},
                         HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # fmt: skip
        body = self.rfile.read(int(length))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.server.app.answer(self.command, self.path, token, body)

    def _send(self, answer: Reply) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Instance", str(self.server.server_address[1]))
        if self.server.ending or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet: the proxy counts requests; App tells what fails."""


def serve(app: App, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight."""
    # Blocked before any thread exists, so that only sigwait below ever sees them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    server = Server(app, port)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(f"{app.name}: serving on {HOST}:{port}", flush=True)
    signal.sigwait(STOP)
    drained = server.drain()
    print(f"{app.name}: {'every request finished' if drained else 'gave up waiting'}", flush=True)


def port_argument() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    return int(parser.parse_args().port)
