"""A few threads for blocking calls, which do not hold up the end of the process.

Not concurrent.futures: at exit Python waits for its threads, and a long poll takes 20 s.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Threads:
    """Started with the first call; one event loop at a time."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._started = 0

    async def run(self, job: Callable[[], Any]) -> Any:
        """The job's value, or what it raised. One that is cancelled still runs to its end."""
        if self._started < self._count:
            self._started += 1
            threading.Thread(target=self._work, daemon=True, name=self._name).start()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.put((job, answer))
        return await answer

    def close(self) -> None:
        """Each thread ends after the job that it has."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (next_job := self._jobs.get()) is not None:
            job, answer = next_job
            try:
                told = _tell(answer, job(), None)
            except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
                told = _tell(answer, None, error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                answer.get_loop().call_soon_threadsafe(told)


def _tell(answer: asyncio.Future[Any], value: Any, error: Exception | None) -> Callable[[], None]:
    def tell() -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(value)
        else:
            answer.set_exception(error)

    return tell
