"""What endpoints use, for the status document, which does not wait for it."""

from __future__ import annotations

import asyncio

from fairlead.api.document import EndpointDoc, StatusDoc
from fairlead.core.errors import PlatformError
from fairlead.meters.usage import Usage, Use
from fairlead.reconcile import Reconciler

LIMIT = 0.5
"""Seconds that the platform has to tell it."""


async def add_usage(document: StatusDoc, loop: Reconciler, usage: Usage) -> None:
    """Of each endpoint of the document, as far as the platform can measure it in time."""
    shown = {e["id"]: e for service in document["services"] for e in service["endpoints"]}
    known = [e for tracked in loop.tracked.values() for e in tracked.endpoints if e.id in shown]
    try:
        async with asyncio.timeout(LIMIT):
            uses = await usage.of(known)
    except (PlatformError, TimeoutError):
        return
    for key, use in uses.items():
        _add(shown[key], use, loop.edges.clock.wall())


def _add(endpoint: EndpointDoc, use: Use, now: float) -> None:
    endpoint["memory"] = use.memory
    lived = now - endpoint["since"]
    if use.cpu is not None:
        endpoint["cpu"] = round(use.cpu, 4)
    elif endpoint["since"] > 0 and lived > 0:
        endpoint["cpu"] = round(use.seconds / lived / (use.cores or 1.0), 4)
