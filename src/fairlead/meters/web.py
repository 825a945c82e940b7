"""GET of a small document from a server that nobody vouches for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from fairlead.core.errors import MeterError, WireError
from fairlead.wire import Connection, Headers, Request, Response, towards

TIMEOUT = 5.0
"""Seconds for the whole exchange, however slowly the answer comes."""
LARGEST = 1 << 20
"""Bytes of an answer."""


async def get(url: str, token_file: str = "") -> Response:
    """The answer, whatever its status but a redirect. MeterError names host and path: what follows
    the `?` may be a secret, and the token is one."""
    parts = _checked(url)
    place = f"{parts.scheme}://{parts.netloc}{parts.path}"
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    request = Request("GET", target, _headers(parts, token_file))
    try:
        async with asyncio.timeout(TIMEOUT):
            response = await _exchange(parts, request)
    except TimeoutError:
        raise MeterError(f"{place}: not answered in full within {TIMEOUT:g} s") from None
    except (WireError, OSError, ValueError) as error:
        raise MeterError(f"{place}: {error}") from error
    if response.truncated:
        raise MeterError(f"{place}: the answer is longer than {LARGEST} bytes")
    if 300 <= response.status < 400:
        raise MeterError(f"{place}: status {response.status}: name the place that it leads to")
    return response


async def _exchange(parts: SplitResult, request: Request) -> Response:
    connection = await Connection.open(towards(parts))
    try:
        return await connection.exchange(request, LARGEST)
    finally:
        connection.close()


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise MeterError("the metric's url is no http or https URL")
    if "@" in parts.netloc:
        raise MeterError("the metric's url holds a name or password: put a token into a file")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise MeterError("the metric's url holds characters that have to be written as %XX")
    return parts


def _headers(parts: SplitResult, token_file: str) -> Headers:
    token = _token(token_file)
    return (
        ("host", parts.netloc),
        ("accept", "application/json"),
        ("user-agent", "fairlead"),
        ("connection", "close"),
        *((("authorization", f"Bearer {token}"),) if token else ()),
    )


def _token(file: str) -> str:
    """Read anew for each request: a token that was replaced is used at once."""
    if not file:
        return ""
    try:
        token = Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise MeterError(f"the token in {file} cannot be read: {why}") from None
    if not token or any(not 33 <= ord(c) <= 126 for c in token):
        raise MeterError(f"the file {file} holds no token: printable characters without spaces")
    return token
