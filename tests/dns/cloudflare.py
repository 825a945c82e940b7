"""Cloudflare's API over HTTP, as strict as the real one: its token, its pages, its codes.

Codes and messages are those that people quote (81044, 81053, 81057, 81058, 9005, 10000, 971).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.dns.server import FakeApi

Item = dict[str, Any]
TOKEN = "secret-token"
_FIELDS = {"name", "type", "content", "ttl", "proxied", "comment"}
_MOST = 200


class Refusal(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class FakeCloudflare(FakeApi):
    """`page` bounds a page. `left`: calls until the rate limit, which ends after `retry_after`."""

    def __init__(self, page: int = 4) -> None:
        super().__init__(_Handler)
        self.page, self.left, self.retry_after = page, 10**9, 1
        self.zone = {"id": "zone1", "name": "example.com", "status": "active"}
        self.items: list[Item] = []
        self.calls: list[str] = []
        self.batches: list[int] = []
        self.failures: list[int] = []
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    def values(self, name: str, kind: str = "A") -> set[str]:
        return {i["content"] for i in self.items if (i["name"], i["type"]) == (name, kind)}

    def put(self, name: str, *values: str, kind: str = "A", **more: Any) -> None:
        """As somebody else: the records of this name and kind are replaced."""
        self.items = [i for i in self.items if (i["name"], i["type"]) != (name, kind)]
        for value in values:
            self._add({"name": name, "type": kind, "content": value, "ttl": 300} | more)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        with self._lock:
            self.calls.append(f"{method} {path}")
            if self.failures:
                raise Refusal(self.failures.pop(0), 10001, "Service temporarily unavailable")
            if self.left <= 0:
                raise Refusal(429, 971, "Please wait and consider throttling your request speed")
            self.left -= 1
            return self._answer(method, path, query, body)

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        records = f"/zones/{self.zone['id']}/dns_records"
        if (method, path) == ("GET", "/zones"):
            return self._paged([self.zone] if query.pop("name") == self.zone["name"] else [], query)
        if (method, path) == ("GET", records):
            name = query.pop("name.exact")
            return self._paged([i for i in self.items if i["name"] == name], query)
        if (method, path) == ("POST", f"{records}/batch"):
            return {"result": self._batch(body)}
        if path.startswith("/zones/") and not path.startswith(records):
            raise Refusal(403, 10000, "Authentication error")
        raise Refusal(404, 7003, f"Could not route to {path}")

    def _paged(self, found: list[Item], query: dict[str, str]) -> dict[str, Any]:
        page, per = int(query.pop("page", "1")), int(query.pop("per_page", "100"))
        if query or page < 1 or not 5 <= per <= 5_000_000:
            raise Refusal(400, 1004, f"DNS Validation Error: {query}")
        size = min(per, self.page)
        return {
            "result": found[(page - 1) * size : page * size],
            "result_info": {
                "page": page,
                "per_page": size,
                "total_count": len(found),
                "total_pages": max(1, -(-len(found) // size)),
            },
        }

    def _batch(self, body: Any) -> dict[str, Any]:
        """Deletes, patches, posts; nothing is done when one fails."""
        if not isinstance(body, dict) or set(body) - {"deletes", "patches", "posts"}:
            raise Refusal(400, 9207, "Request body is invalid.")
        size = sum(map(len, body.values()))
        if size > _MOST:
            raise Refusal(400, 81000, f"Batch of {size} exceeds the limit of {_MOST}")
        self.batches.append(size)
        before = deepcopy(self.items)
        try:
            for item in body.get("deletes", ()):
                self.items.remove(self._of(item["id"]))
            for item in body.get("patches", ()):
                self._patch(item)
            for item in body.get("posts", ()):
                self._add(item)
        except Refusal:
            self.items = before
            raise
        return {kind: [] for kind in body}

    def _of(self, number: str) -> Item:
        found = next((i for i in self.items if i["id"] == number), None)
        if found is None:
            raise Refusal(404, 81044, "Record does not exist.")
        return found

    def _patch(self, given: Item) -> None:
        item = self._of(given["id"])
        if set(given) - _FIELDS - {"id"}:
            raise Refusal(400, 1004, "DNS Validation Error")
        item |= given
        _check(item)

    def _add(self, given: Item) -> None:
        if set(given) - _FIELDS or {"name", "type", "content", "ttl"} - set(given):
            raise Refusal(400, 1004, "DNS Validation Error")
        item = {"id": f"{next(self._ids):032x}", "proxied": False, "comment": None} | given
        _check(item)
        for other in self.items:
            if other["name"] != item["name"]:
                continue
            if (other["type"], other["content"]) == (item["type"], item["content"]):
                raise Refusal(400, 81058, "An identical record already exists.")
            if "CNAME" in {other["type"], item["type"]}:
                raise Refusal(
                    400, 81053, "An A, AAAA, or CNAME record with that host already exists."
                )
        self.items.append(item)


def _check(item: Item) -> None:
    name, kind = item["name"], item["type"]
    if not (name == "example.com" or name.endswith(".example.com")):
        raise Refusal(400, 9000, "DNS name is invalid.")
    try:
        parse = {"A": IPv4Address, "AAAA": IPv6Address}.get(kind)
        _ = parse and parse(item["content"])
    except ValueError:
        raise Refusal(400, 9005, f"Content for {kind} record is invalid.") from None
    if item["proxied"] and kind not in {"A", "AAAA", "CNAME"}:
        raise Refusal(400, 9004, "This record type cannot be proxied.")
    if item["ttl"] != 1 and not 60 <= item["ttl"] <= 86400:
        raise Refusal(400, 9021, "TTL must be between 60 and 86400 seconds, or 1 for Automatic.")
    if item["proxied"]:
        item["ttl"] = 1


class _Handler(BaseHTTPRequestHandler):
    fake: FakeCloudflare
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        self._answer(json.loads(data))

    def log_message(self, *arguments: object) -> None:
        """Silent."""

    def _answer(self, body: Any) -> None:
        if self.fake.away:
            self.close_connection = True
            return
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        path = url.path.removeprefix("/client/v4")
        try:
            known = self.headers["authorization"] == f"Bearer {TOKEN}"
            made = self.fake.answer(self.command, path if known else "/zones/", query, body)
            self._send(200, {"success": True, "errors": [], "messages": [], **made})
        except Refusal as refusal:
            error = {"code": refusal.code, "message": str(refusal)}
            failed = {"success": False, "errors": [error], "messages": [], "result": None}
            self._send(refusal.status, failed)

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if status == 429:
            self.send_header("retry-after", str(self.fake.retry_after))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def cloudflare(page: int = 4) -> Iterator[FakeCloudflare]:
    fake = FakeCloudflare(page)
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()
