"""What a controller may only do while it leads: each write asks for the lease first.

A write that was on its way when the lease was lost cannot be called back: ECS knows nothing of
epochs. What it does then is what both controllers would have done a moment before.
"""

from __future__ import annotations

from fairlead.core.model import Endpoint, Service
from fairlead.core.scaling.nodes_model import NodesSight
from fairlead.ports import Fence, NodeGroup, Orchestrator, Platform


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


class FencedNodeGroup:
    """Implements ports.NodeGroup."""

    def __init__(self, inner: NodeGroup, fence: Fence) -> None:
        self._inner, self._fence = inner, fence

    async def look(self, now: float) -> NodesSight:
        return await self._inner.look(now)

    async def conflict(self, now: float) -> str:
        return await self._inner.conflict(now)

    async def grow(self, desired: int) -> None:
        await self._fence()
        await self._inner.grow(desired)

    async def give_up(self, node: str) -> None:
        await self._fence()
        await self._inner.give_up(node)

    async def take_back(self, node: str) -> None:
        await self._fence()
        await self._inner.take_back(node)

    async def terminate(self, node: str) -> None:
        await self._fence()
        await self._inner.terminate(node)
