"""accounts: register, log in, and see who you are. Any copy honours another's tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from http import HTTPStatus

from store import Store
from web import App, Refused, Reply, Request, port_argument, reply, serve

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, salt BLOB NOT NULL, password BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    digest BLOB PRIMARY KEY, name TEXT NOT NULL REFERENCES accounts (name));
"""

store = Store("accounts", SCHEMA)
app = App("accounts", store.check)


def password_hash(password: str, salt: bytes) -> bytes:
    """scrypt (RFC 7914) with 8 MiB of memory."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**13, r=8, p=1)


def digest(token: str) -> bytes:
    """Tokens are kept hashed: who reads the file cannot use them."""
    return hashlib.sha256(token.encode()).digest()


@app.route("POST", "/accounts")
def register(request: Request) -> Reply:
    name, salt = request.text("name"), secrets.token_bytes(16)
    password = password_hash(request.text("password"), salt)
    try:
        with store.open() as database:
            database.execute("INSERT INTO accounts VALUES (?, ?, ?)", (name, salt, password))
    except sqlite3.IntegrityError:
        raise Refused(HTTPStatus.CONFLICT, f"the name {name!r} is taken") from None
    return reply({"name": name}, HTTPStatus.CREATED)


@app.route("POST", "/login")
def login(request: Request) -> Reply:
    name, password = request.text("name"), request.text("password")
    with store.open() as database:
        row = database.execute("SELECT * FROM accounts WHERE name = ?", (name,)).fetchone()
    # An unknown name costs the same time as a wrong password.
    tried = password_hash(password, row["salt"] if row else b"")
    if row is None or not hmac.compare_digest(tried, row["password"]):
        raise Refused(HTTPStatus.UNAUTHORIZED, "wrong name or password")
    token = secrets.token_urlsafe(24)
    with store.open() as database:
        database.execute("INSERT INTO tokens VALUES (?, ?)", (digest(token), name))
    return reply({"token": token})


@app.route("GET", "/me")
def me(request: Request) -> Reply:
    with store.open() as database:
        row = database.execute(
            "SELECT name FROM tokens WHERE digest = ?", (digest(request.token),)
        ).fetchone()
    if row is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "log in first: POST /login")
    return reply({"name": row["name"]})


if __name__ == "__main__":
    serve(app, port_argument())
