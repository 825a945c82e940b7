"""Lists that AWS hands out page by page."""

from __future__ import annotations

from typing import Any

from fairlead.aws.client import Call
from fairlead.core.errors import PlatformError

MOST_PAGES = 1_000


async def listed(call: Call, action: str, key: str, **parameters: Any) -> list[str]:
    """All texts that the pages hold under a key. PlatformError when one of them has none, or there
    is no end of them."""
    found: list[str] = []
    token = ""
    for _ in range(MOST_PAGES):
        more = {"nextToken": token} if token else {}
        answer = await call(action, **parameters, **more)
        page = answer.get(key)
        if not isinstance(page, list):
            raise PlatformError(f"{action}: the answer holds no {key}")
        found += [each for each in page if isinstance(each, str)]
        given = answer.get("nextToken")
        last, token = token, given if isinstance(given, str) else ""
        if not token:
            return found
        if token == last:
            break
    raise PlatformError(f"{action}: the pages have no end")
