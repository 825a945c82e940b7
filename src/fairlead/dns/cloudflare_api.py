"""Cloudflare's API v4: JSON over HTTPS, a token, pages, and a bound on calls.

`fairlead.wire` carries it, whose h11 is there already: of Cloudflare's own client four calls would
be used, and it brings ten packages. Proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from fairlead.core.errors import DnsError, WireError
from fairlead.ports import Clock
from fairlead.wire import Connection, Request, Response, towards

URL = "https://api.cloudflare.com/client/v4"
_TIMEOUT = 30.0
_LARGEST = 16 << 20
_TRIES = 3
_LONGEST_WAIT = 20.0
"""A longer Retry-After is left to the caller: after 1,200 calls in 5 minutes it is minutes."""
_IDLE = 5.0
_PAGE = 100


T = TypeVar("T")


class _Info(msgspec.Struct):
    total_pages: int = 1


class _Page(msgspec.Struct):
    result: list[Any]
    result_info: _Info = msgspec.field(default_factory=_Info)


class Refused(DnsError):
    """Cloudflare understood, and does not do it. `codes` are those of its errors."""

    def __init__(self, message: str, codes: frozenset[int]) -> None:
        super().__init__(message)
        self.codes = codes


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and what gives the token when it is needed (DnsError)."""

    token: Callable[[], str]
    url: str = URL


class Api:
    """One connection, for calls one after the other."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self._connection: Connection | None = None
        self._used = 0.0

    async def get(self, path: str, **query: str | int) -> Mapping[str, Any]:
        """The answer as a whole. DnsError; Refused when it is Cloudflare that does not want to."""
        return await self._call("GET", f"{path}?{urlencode(_dotted(query))}")

    async def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One try: a write that waited would come late, when another may lead already."""
        return await self._call("POST", path, msgspec.json.encode(body), tries=1)

    async def pages(self, path: str, kind: type[T], **query: str | int) -> AsyncIterator[T]:
        """All results, of all pages."""
        page, last = 1, 1
        while page <= last:
            answer = await self.get(path, page=page, per_page=_PAGE, **query)
            whole = _converted(answer, _Page, path)
            for result in whole.result:
                yield _converted(result, kind, path)
            last = whole.result_info.total_pages
            page += 1

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    async def _call(
        self, method: str, path: str, body: bytes = b"", tries: int = _TRIES
    ) -> Mapping[str, Any]:
        while (response := await self._exchange(method, path, body)).status == 429:
            tries -= 1
            wait = _retry_after(response)
            if wait > _LONGEST_WAIT or not tries:
                raise DnsError(f"Cloudflare takes no calls for {wait:g}s: too many were made", wait)
            await asyncio.sleep(wait)
        return _read(response, f"{method} {path.partition('?')[0]}")

    async def _exchange(self, method: str, path: str, body: bytes) -> Response:
        url = urlsplit(self._access.url)
        headers = (
            ("host", url.netloc),
            ("authorization", f"Bearer {self._access.token()}"),
            ("user-agent", "fairlead"),
            *((("content-type", "application/json"),) if body else ()),
        )
        request = Request(method, url.path + path, headers, body)
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await (await self._connected()).exchange(request, _LARGEST)
        except (WireError, TimeoutError) as error:
            self.close()
            why = str(error) or f"no answer within {_TIMEOUT:g}s"
            raise DnsError(f"Cloudflare cannot be asked at {url.netloc}: {why}") from error
        self._used = self._clock.now()
        return response

    async def _connected(self) -> Connection:
        """One that was idle for long may just be closing."""
        fresh = self._clock.now() - self._used < _IDLE
        if self._connection and self._connection.reusable and fresh:
            return self._connection
        self.close()
        self._connection = await Connection.open(towards(urlsplit(self._access.url)))
        return self._connection


def _converted(answer: Any, kind: type[T], path: str) -> T:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise DnsError(f"Cloudflare's answer to {path} is not understood: {error}") from error


def _dotted(query: Mapping[str, str | int]) -> dict[str, str | int]:
    """`name_exact` is `name.exact`: Cloudflare's filters have dots."""
    return {key.replace("name_exact", "name.exact"): value for key, value in query.items()}


def _read(response: Response, what: str) -> Mapping[str, Any]:
    if response.status >= 500:
        raise DnsError(f"Cloudflare failed at {what}: status {response.status}")
    try:
        answer = msgspec.json.decode(response.body)
    except msgspec.DecodeError as error:
        raise DnsError(f"{what}: status {response.status}, and no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise DnsError(f"{what}: the answer is no object")
    if response.status == 200 and answer.get("success") is True:
        return answer
    raise _refusal(response.status, answer, what)


def _refusal(status: int, answer: Mapping[str, Any], what: str) -> DnsError:
    errors = [error for error in answer.get("errors") or () if isinstance(error, dict)]
    said = "; ".join(f"{e.get('message')} ({e.get('code')})" for e in errors) or f"status {status}"
    if status in {401, 403}:
        todo = "give the token the rights Zone Read and DNS Edit of this zone"
        return DnsError(f"Cloudflare does not allow {what}: {said}: {todo}")
    codes = frozenset(e["code"] for e in errors if isinstance(e.get("code"), int))
    return Refused(f"Cloudflare refuses it: {said}", codes)


def _retry_after(response: Response) -> float:
    """Seconds; a date instead, or nothing, is taken for a minute."""
    text = dict(response.headers).get("retry-after", "")
    return float(text) if text.isdigit() and len(text) < 6 else 60.0
