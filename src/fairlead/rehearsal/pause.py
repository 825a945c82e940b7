"""Network interfaces of awsvpc tasks on a Docker engine.

As with the ECS agent, a container that only waits holds the task's network, and the task's own
containers join it. Its image is a program of a few bytes, made here, so nothing has to be pulled.
"""

from __future__ import annotations

import asyncio
import io
import struct
import tarfile

from fairlead.core.errors import PlatformError
from fairlead.rehearsal.docker_options import LABEL, interface
from fairlead.rehearsal.engine import ask

IMAGE = "fairlead-rehearse-pause"
_BASE = 0x400000
_FOREVER = bytes.fromhex("b8220000000f05ebf7")
"""x86-64: mov eax, SYS_pause; syscall; jmp to the first."""
_HEADER, _SEGMENT = 64, 56


def program() -> bytes:
    """A static ELF executable for x86-64 that does nothing until it is killed."""
    start = _HEADER + _SEGMENT
    size = start + len(_FOREVER)
    header = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header += struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, _BASE + start, _HEADER, 0, 0, _HEADER, _SEGMENT, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + _FOREVER


def image() -> bytes:
    """As `docker import` takes it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("pause")
        entry.mode, entry.size = 0o755, len(program())
        archive.addfile(entry, io.BytesIO(program()))
    return packed.getvalue()


class Pauses:
    """Implements Interfaces, by addresses of Docker's network `bridge`."""

    def __init__(self, mark: str) -> None:
        self._mark, self._image = mark, f"{IMAGE}:{mark}"
        self._made = asyncio.Lock()
        self._there = False
        self._removals: set[asyncio.Task[None]] = set()

    async def attach(self, task: str) -> str:
        await self._make()
        return await asyncio.to_thread(self._attach, interface(task, self._mark))

    def detach(self, task: str) -> None:
        removal = asyncio.create_task(self._remove(interface(task, self._mark)))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    async def close(self) -> None:
        if self._removals:
            await asyncio.wait(self._removals)

    async def _make(self) -> None:
        async with self._made:
            if not self._there:
                await asyncio.to_thread(self._import)
            self._there = True

    def _import(self) -> None:
        machine = ask("version", "--format", "{{.Server.Arch}}")
        if machine != "amd64":
            raise PlatformError(
                f"network mode awsvpc with --docker runs on x86-64 only, not on {machine}: use"
                " bridge or host, or leave --docker out"
            )
        ask("import", "--change", 'ENTRYPOINT ["/pause"]', "-", self._image, data=image())

    def _attach(self, name: str) -> str:
        labels = ("--label", f"{LABEL}={self._mark}")
        ask("run", "--detach", "--rm", "--name", name, "--network", "bridge", *labels, self._image)
        return ask("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)

    async def _remove(self, name: str) -> None:
        """PlatformError is no news: it was gone before, or the watchdog removes it."""
        try:
            await asyncio.to_thread(ask, "rm", "--force", name)
        except PlatformError:
            return
