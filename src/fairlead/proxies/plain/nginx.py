"""An nginx that somebody else runs: asked to test and to reload, and which writing it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fairlead import procfs
from fairlead.core.errors import Missing, ProxyError, WireError
from fairlead.core.model import Plain
from fairlead.programs import run_program
from fairlead.proxies.plain.config import CONFIRM_PATH
from fairlead.wire import Connection, Request

COMMAND_TIMEOUT = 30.0
CONFIRM_TIMEOUT = 15.0
_ASK_TIMEOUT = 2.0
_POLL = 0.01
_SEVERAL = 30
"""Answers in a row from the new generation, where the old workers cannot be watched: nginx starts
the new ones 100 ms before it ends the old ones, and both answer until then."""
_WORKER, _ENDING = "nginx: worker process", "nginx: worker process is shutting down"
_MASTER = "nginx: master process"


class PlainNginx:
    """`master` is its pid, None while it is not known, or where it cannot be seen from here."""

    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        self.master: int | None = None

    async def test(self) -> None:
        """ProxyError, with nginx's own words, when its whole configuration does not pass."""
        await _run([*self._plain.binary, "-t", "-q"], "nginx refuses the configuration")

    async def reload(self) -> None:
        argv = self._plain.reload or (*self._plain.binary, "-s", "reload")
        await _run([*argv], "nginx does not reload")

    async def generation(self) -> int:
        """What the worker that happens to answer serves from. ProxyError when none answers so."""
        host, _, port = self._plain.confirm.rpartition(":")
        try:
            async with asyncio.timeout(_ASK_TIMEOUT):
                body = await _ask(host, int(port))
            generation, pid = map(int, body.split())
        except (TimeoutError, WireError, OSError, ValueError) as error:
            raise ProxyError(self._silent(error)) from error
        self._meet(pid)
        return generation

    async def follow(self, generation: int, before: frozenset[int]) -> None:
        """Wait until nothing but workers of this generation takes requests.

        `before` are the workers that served until now. ProxyError after CONFIRM_TIMEOUT.
        """
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT):
                await self._answers(generation, 1 if before else _SEVERAL)
                await _until(partial(_none_accepts, before))
        except TimeoutError as error:
            raise ProxyError(
                f"nginx did not take up the new configuration in {CONFIRM_TIMEOUT:g} s: "
                "its error log says why"
            ) from error

    def accepting(self) -> frozenset[int]:
        """The workers that take requests; none where they cannot be seen."""
        return frozenset(pid for pid, title in self._workers() if title != _ENDING)

    def ended(self) -> bool | None:
        """Whether no worker of an earlier generation is left; None where that cannot be seen."""
        workers = self._workers()
        return all(title != _ENDING for _, title in workers) if workers else None

    async def end_of_earlier(self) -> None:
        """Wait until no worker of an earlier generation is left, or none can be seen."""
        await _until(lambda: self.ended() is not False)

    def _workers(self) -> list[tuple[int, str]]:
        if self.master is None or not procfs.command_line(self.master).startswith(_MASTER):
            return []
        titles = [(pid, procfs.command_line(pid)) for pid in procfs.children(self.master)]
        return [(pid, title) for pid, title in titles if title.startswith(_WORKER)]

    def _meet(self, worker: int) -> None:
        """The pid is the worker's own view: in a container of its own it is another one's here."""
        seen = procfs.command_line(worker).startswith(_WORKER)
        self.master = procfs.parent(worker) or None if seen else None

    async def _answers(self, generation: int, times: int) -> None:
        """Wait for so many answers in a row from it."""
        row = 0
        while row < times:
            await asyncio.sleep(_POLL)
            try:
                row = row + 1 if await self.generation() == generation else 0
            except ProxyError:
                row = 0

    def _silent(self, error: Exception) -> str:
        path, place = Path(self._plain.upstreams), self._plain.confirm
        why = str(error) or type(error).__name__
        return (
            f"nginx does not say at {place} what it serves ({why}): it must run, and its http "
            f"block include {path}"
        )


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - other processes tell nobody when they end
        await asyncio.sleep(_POLL)


def _none_accepts(before: frozenset[int]) -> bool:
    titles = (procfs.command_line(pid) for pid in before)
    return all(title == _ENDING or not title.startswith(_WORKER) for title in titles)


async def _ask(host: str, port: int) -> bytes:
    connection = await Connection.open(partial(asyncio.open_connection, host, port))
    try:
        answer = await connection.exchange(Request("GET", CONFIRM_PATH), 256)
    finally:
        connection.close()
    if answer.status != 200:
        raise WireError(f"status {answer.status}")
    return answer.body


async def _run(argv: list[str], complaint: str) -> None:
    try:
        ended = await run_program(argv, COMMAND_TIMEOUT)
    except TimeoutError as error:
        raise ProxyError(f"{' '.join(argv)} did not end in {COMMAND_TIMEOUT:g} s") from error
    except OSError as error:
        hint = "name it with proxy.binary or proxy.reload"
        raise Missing(f"{argv[0]} cannot be run ({error.strerror}): {hint}") from error
    if ended.status:
        words = " | ".join(ended.told.split("\n")).strip(" |")
        raise ProxyError(f"{complaint}: {words or f'{argv[0]} ended with {ended.status}'}")


def _now() -> float:
    return asyncio.get_running_loop().time()
