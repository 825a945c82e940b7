"""Reads what a request carries, within bounds: every fault is BadInput and names the field."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request

from fairlead.core.errors import BadInput

MAX_BODY = 64 * 1024
BODY_TIMEOUT = 10.0
MAX_REPLICAS = 1000


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that the request holds; an empty body is an empty object."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            raw = await _read(request)
    except TimeoutError as error:
        raise BadInput(f"the request body did not arrive within {BODY_TIMEOUT:g} s") from error
    try:
        document = json.loads(raw or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the request body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadInput("the request body must be a JSON object")
    return document


async def _read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise BadInput(f"the request body is larger than {MAX_BODY} bytes")
    return body


def replicas(document: dict[str, Any]) -> int:
    value = document.get("replicas")
    if type(value) is not int or not 0 <= value <= MAX_REPLICAS:
        raise BadInput(f"replicas must be a whole number from 0 to {MAX_REPLICAS}")
    return value


def text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{key} must be a text")
    return value


def flag(document: dict[str, Any], key: str) -> bool:
    value = document.get(key, False)
    if not isinstance(value, bool):
        raise BadInput(f"{key} must be true or false")
    return value


def known(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The document itself, when it has no other keys."""
    for key in document:
        if key not in keys:
            raise BadInput(f"unknown key {key[:40]!r}: expected {', '.join(keys) or 'no keys'}")
    return document


def whole_number(request: Request, name: str) -> int:
    """A query parameter of 0 or more; 0 when it is absent."""
    value = request.query_params.get(name, "0")
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise BadInput(f"{name} must be a whole number")
    return int(value)
