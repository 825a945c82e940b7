"""Prices of a region from AWS's own lists: the Price List bulk API, which asks for no credentials.

`fairlead.wire` carries it. Lists are read as they come, a row at a time, and never held whole.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fairlead.core.costs.prices import Price
from fairlead.core.errors import BadInput, WireError
from fairlead.prices.offers import OFFERS, Reader, wanted
from fairlead.wire import Connection, Request, towards

URL = "https://pricing.us-east-1.amazonaws.com"
LARGEST = 2 << 30
"""Bytes of one list."""
LONGEST_LINE = 1 << 16
TIMEOUT = 900.0
"""Seconds for one list."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Where the lists are, and the bounds on each."""

    url: str = URL
    largest: int = LARGEST
    timeout: float = TIMEOUT


@dataclass(frozen=True, slots=True)
class Fetched:
    """Prices of a region by key; `sources`: id to the address of its list, with its version;
    `without`: keys that no list had, or had twice."""

    prices: dict[str, Price]
    sources: dict[str, str]
    without: list[str]


async def fetch(
    region: str, types: Iterable[str], lists: Lists, tell: Callable[[str], None]
) -> Fetched:
    """All offers, one after the other. WireError when a list cannot be had, BadInput when it is
    not understood; both name it."""
    if not region.replace("-", "").isalnum() or not region.isascii():
        raise BadInput(f"{region!r} is no region's name")
    types, fetched = tuple(types), Fetched({}, {}, [])
    for offer in OFFERS:
        path = f"/offers/v1.0/aws/{offer}/current/{region}/index.csv"
        tell(f"{lists.url}{path}")
        rows = wanted(offer, types)
        reader = Reader(offer, rows)
        await _read(lists, path, reader)
        fetched.prices.update(reader.prices())
        fetched.sources[offer] = f"{lists.url}{path} of version {reader.version or 'unknown'}"
        fetched.without.extend(row.key for row in rows if row.key not in fetched.prices)
    return fetched


async def _read(lists: Lists, path: str, reader: Reader) -> None:
    try:
        async with asyncio.timeout(lists.timeout):
            async for line in _lines(_body(lists, path), lists.url + path):
                reader.take(next(csv.reader([line], strict=True), []))
    except WireError as error:
        raise WireError(f"{lists.url}{path}: {error}") from error
    except TimeoutError as error:
        raise WireError(f"{lists.url}{path}: not whole within {lists.timeout:g} s") from error
    except csv.Error as error:
        raise BadInput(f"{lists.url}{path}: no CSV: {error}") from error


async def _body(lists: Lists, path: str) -> AsyncIterator[bytes]:
    connection = await Connection.open(towards(urlsplit(lists.url)))
    try:
        host = urlsplit(lists.url).netloc
        headers = (("host", host), ("user-agent", "fairlead"), ("connection", "close"))
        answer = await connection.begin(Request("GET", path, headers))
        if answer.status != 200:
            raise WireError(f"status {answer.status}{_hint(answer.status)}")
        size = 0
        async for piece in connection.body():
            size += len(piece)
            if size > lists.largest:
                raise WireError(f"longer than {lists.largest} bytes")
            yield piece
    finally:
        connection.close()


def _hint(status: int) -> str:
    return ": is there such a region?" if status in {403, 404} else ""


async def _lines(pieces: AsyncIterator[bytes], name: str) -> AsyncIterator[str]:
    """AWS's lists have no line ends within a row. BadInput for a line without an end."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
        if len(rest) > LONGEST_LINE:
            raise BadInput(f"{name}: a line is longer than {LONGEST_LINE} bytes")
    if rest:
        yield rest.decode("utf-8", "replace").rstrip("\r")
