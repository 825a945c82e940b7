"""frontend: one page that uses the other services under /api/<name>/ of its own host."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from web import App, Reply, Request, port_argument, serve

PAGE = Path(__file__).with_name("page.html").read_bytes()

app = App("frontend")


@app.route("GET", "/")
def page(_: Request) -> Reply:
    return Reply(HTTPStatus.OK, PAGE, "text/html; charset=utf-8")


if __name__ == "__main__":
    serve(app, port_argument())
