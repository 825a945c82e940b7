"""Calls of AWS: in threads, paced, tried again where that helps, with errors of ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from fairlead.aws.pace import Pace, backoff
from fairlead.aws.threads import Threads
from fairlead.core.errors import PlatformError
from fairlead.ports import Calls, Clock

Answer = Mapping[str, Any]

TRIES = 4


class Call(Protocol):
    """Call an action, named as IAM names it (`ecs:ListTasks`). PlatformError when it fails."""

    def __call__(self, action: str, /, **parameters: Any) -> Awaitable[Answer]: ...


class Source(Protocol):
    """Gives botocore's client of a service; blocks."""

    def get(self, service: str) -> Any: ...

    def close(self) -> None: ...


class Aws:
    """Implements Call. The source is opened in a thread, and botocore imported there, when the
    first call is made."""

    def __init__(
        self, opened: Callable[[], Source], clock: Clock, pace: Pace | None = None
    ) -> None:
        self._open, self._clock = opened, clock
        self._pace = pace or Pace()
        self._source: Source | None = None
        self._opening = threading.Lock()
        self._threads = Threads("aws", 2)
        self._waiting = Threads("aws-sqs", 1)

    async def __call__(self, action: str, /, **parameters: Any) -> Answer:
        """Throttled calls and those without an answer are tried some times, with back-off."""
        from fairlead.aws.faults import Throttled, Unanswered

        for tries in range(1, TRIES):
            try:
                return await self.once(action, **parameters)
            except (Throttled, Unanswered):
                await asyncio.sleep(backoff(tries))
        return await self.once(action, **parameters)

    async def once(self, action: str, /, **parameters: Any) -> Answer:
        """One try: for a write that must not be made late. PlatformError when it fails."""
        from fairlead.aws.faults import Throttled

        try:
            answer = await self._try(action, parameters)
        except Throttled:
            self._pace.throttled()
            raise
        self._pace.answered()
        return answer

    def calls(self) -> Calls:
        """How much was asked of AWS, and how fast."""
        return self._pace.calls(self._clock.now())

    def close(self) -> None:
        self._threads.close()
        self._waiting.close()
        if self._source is not None:
            self._source.close()

    async def _try(self, action: str, parameters: Mapping[str, Any]) -> Answer:
        service, _, operation = action.partition(":")
        threads = self._threads
        if service == "sqs":
            threads = self._waiting  # has limits of its own, and a thread: it waits for long
        else:
            await asyncio.sleep(self._pace.take(action, self._clock.now()))
        answer = await threads.run(lambda: self._invoke(service, operation, parameters))
        if not isinstance(answer, Mapping):
            raise PlatformError(f"{action}: the answer is no structure")
        return answer

    def _invoke(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any:
        from fairlead.aws.faults import fault

        try:
            return getattr(self._client(service), _method(operation))(**parameters)
        except Exception as error:
            raise fault(error, f"{service}:{operation}") from error

    def _client(self, service: str) -> Any:
        """One thread at a time: botocore makes clients in no other way."""
        with self._opening:
            if self._source is None:
                self._source = self._open()
            return self._source.get(service)


def _method(operation: str) -> str:
    """`DescribeTasks` -> `describe_tasks`, as botocore names its methods."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
