"""What a controller may only do while it leads: each write asks for the lease first.

A write that was on its way when the lease was lost cannot be called back: ECS knows nothing of
epochs. What it does then is what both controllers would have done a moment before.
"""

from __future__ import annotations

from fairlead.core.model import Endpoint, Service
from fairlead.ports import Fence, Orchestrator, Platform


class FencedPlatform:
    """Implements ports.Platform."""

    def __init__(self, inner: Platform, fence: Fence) -> None:
        self._inner, self._fence = inner, fence
        self.nodes, self.observe = inner.nodes, inner.observe
        self.reset, self.close = inner.reset, inner.close

    async def start(self, service: Service) -> Endpoint:
        await self._fence()
        return await self._inner.start(service)

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:
        await self._fence()
        await self._inner.stop(endpoint, timeout)

    async def forget(self, endpoint: Endpoint) -> None:
        await self._fence()
        await self._inner.forget(endpoint)


class FencedOrchestrator:
    """Implements ports.Orchestrator."""

    def __init__(self, inner: Orchestrator, fence: Fence) -> None:
        self._inner, self._fence = inner, fence

    async def resize(self, service: Service, count: int) -> None:
        await self._fence()
        await self._inner.resize(service, count)

    async def retire(self, endpoint: Endpoint, timeout: float) -> None:
        await self._fence()
        await self._inner.retire(endpoint, timeout)

    async def mark(self, endpoint: Endpoint, reason: str) -> None:
        await self._fence()
        await self._inner.mark(endpoint, reason)

    async def note(self, service: Service, paused: str) -> None:
        await self._fence()
        await self._inner.note(service, paused)
