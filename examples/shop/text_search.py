"""text-search: the items that have all the words. It asks catalog through the front door.

FRONT_DOOR is where fairlead listens; the Host header picks the service, so that no name needs
to resolve.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.request import Request as Call
from urllib.request import urlopen

from web import App, Refused, Reply, Request, port_argument, reply, serve

FRONT_DOOR = os.environ.get("FRONT_DOOR", "http://127.0.0.1:8080")
PAGES = 100

app = App("text-search")


def page(after: int) -> list[dict[str, Any]]:
    """OSError (urllib's errors are some) when catalog does not answer."""
    call = Call(f"{FRONT_DOOR}/items?after={after}", headers={"Host": "catalog.localhost"})
    with urlopen(call, timeout=5) as answer:
        items: list[dict[str, Any]] = json.load(answer)["items"]
    return items


def catalog() -> Iterator[dict[str, Any]]:
    after = 0
    for _ in range(PAGES):
        items = page(after)
        if not items:
            return
        yield from items
        after = items[-1]["id"]


def matches(name: str, words: list[str]) -> bool:
    return all(word in name.lower() for word in words)


@app.route("GET", "/search")
def search(request: Request) -> Reply:
    words = request.query.get("q", "").lower().split()
    if not words:
        raise Refused(HTTPStatus.BAD_REQUEST, "say what to look for: /search?q=brass")
    try:
        found = [item for item in catalog() if matches(item["name"], words)]
    except OSError as error:
        raise Refused(HTTPStatus.BAD_GATEWAY, f"catalog does not answer: {error}") from error
    return reply({"items": found})


if __name__ == "__main__":
    serve(app, port_argument())
