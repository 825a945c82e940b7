"""catalog: the shop's items. Any number of copies share one SQLite file."""

from __future__ import annotations

from http import HTTPStatus

from store import Store
from web import App, Refused, Reply, Request, port_argument, reply, serve

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, price INTEGER NOT NULL);
INSERT OR IGNORE INTO items (name, price) VALUES
    ('brass fairlead', 4200), ('bow roller', 8900), ('mooring line', 3100),
    ('horn cleat', 1250), ('snatch block', 6400);
"""
PAGE = 100

store = Store("catalog", SCHEMA)
app = App("catalog", store.check)


@app.route("GET", "/items")
def items(request: Request) -> Reply:
    """At most PAGE items in the order of their ids, after the id `after`."""
    after = request.query.get("after", "0")
    if not after.isdecimal():
        raise Refused(HTTPStatus.BAD_REQUEST, '"after": the id of an item')
    with store.open() as database:
        rows = database.execute(
            "SELECT id, name, price FROM items WHERE id > ? ORDER BY id LIMIT ?",
            (min(int(after), 2**62), PAGE),
        ).fetchall()
    return reply({"items": [dict(row) for row in rows]})


@app.route("GET", "/items/{name}")
def item(request: Request) -> Reply:
    with store.open() as database:
        row = database.execute(
            "SELECT id, name, price FROM items WHERE name = ?", (request.args["name"],)
        ).fetchone()
    if row is None:
        raise Refused(HTTPStatus.NOT_FOUND, f"no item {request.args['name']!r}")
    return reply(dict(row))


@app.route("POST", "/items")
def put(request: Request) -> Reply:
    """Add an item, or give the one of that name another price."""
    name, price = request.text("name"), request.number("price")
    with store.open() as database:
        row = database.execute(
            "INSERT INTO items (name, price) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET price = excluded.price RETURNING id, name, price",
            (name, price),
        ).fetchone()
    return reply(dict(row), HTTPStatus.CREATED)


if __name__ == "__main__":
    serve(app, port_argument())
