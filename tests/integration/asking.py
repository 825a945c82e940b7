"""Clients at every node, which bear no failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType

from bench.load import Load, Report
from tests.ground import PATIENCE, until


class Asking:
    """They ask until it is over; as a context, until its end."""

    def __init__(self, loads: Sequence[Load]) -> None:
        self.loads = loads
        self._tasks = [asyncio.create_task(load.run()) for load in loads]

    async def served(self, more: int = 100, patience: float = PATIENCE) -> None:
        """So many requests more at each node."""
        wanted = [load.requests + more for load in self.loads]
        await until(
            lambda: all(a.requests > w for a, w in zip(self.loads, wanted, strict=True)),
            "served",
            patience,
        )

    async def over(self) -> int:
        """Nothing was lost; how many requests there were."""
        await self.served()
        reports = await self.end()
        for report in reports:
            assert_nothing_lost(report)
        return sum(report.requests for report in reports)

    async def end(self) -> list[Report]:
        for load in self.loads:
            load.stop()
        return [await task for task in self._tasks]

    async def __aenter__(self) -> Asking:
        await self.served()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        await (self.end() if kind else self.over())


def assert_nothing_lost(report: Report) -> None:
    assert report.requests > 100
    assert (report.failed, report.reasons) == (0, {})
    assert report.connections_broken == 0
