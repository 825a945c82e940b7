"""alerts: who wants to hear of which word."""

from __future__ import annotations

from http import HTTPStatus

from store import Store
from web import App, Reply, Request, port_argument, reply, serve

SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    email TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (email, word)) WITHOUT ROWID;
"""

store = Store("alerts", SCHEMA)
app = App("alerts", store.check)


@app.route("POST", "/alerts")
def subscribe(request: Request) -> Reply:
    alert = {"email": request.text("email"), "word": request.text("word").lower()}
    with store.open() as database:
        database.execute("INSERT OR IGNORE INTO alerts VALUES (:email, :word)", alert)
    return reply(alert, HTTPStatus.CREATED)


@app.route("GET", "/alerts/{email}")
def alerts(request: Request) -> Reply:
    with store.open() as database:
        rows = database.execute(
            "SELECT word FROM alerts WHERE email = ? ORDER BY word LIMIT 100",
            (request.args["email"],),
        ).fetchall()
    return reply({"words": [row["word"] for row in rows]})


if __name__ == "__main__":
    serve(app, port_argument())
