"""Images that are there, and the pulling of those that are not."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from fairlead.core.errors import PlatformError
from fairlead.platforms.docker.answers import mapping, text
from fairlead.platforms.docker.containers import told
from fairlead.platforms.docker.engine import Call, Engine, Refused
from fairlead.ports import Notify

PULL_TIMEOUT = 900.0
PATIENCE = 2.0
"""Seconds that a start waits for its image; after that it fails, and the pull goes on."""


class Images:
    """Pulls each missing image once at a time, in the background."""

    def __init__(self, engine: Engine, notify: Notify) -> None:
        self._engine, self._notify = engine, notify
        self._pulls: dict[str, asyncio.Task[str]] = {}

    async def config(self, service: str, image: str) -> dict[str, Any]:
        """The image's configuration. PlatformError when it is not there (yet)."""
        found = await self._find(image)
        if found is None:
            why = await self._pull(service, image)
            found = await self._find(image) if not why else None
            if found is None:
                raise PlatformError(
                    f"{service}: the engine has no image {image!r} and cannot pull it ({why}):"
                    f" run `docker pull {image}`, or build it"
                )
        return mapping(found, "Config")

    async def close(self) -> None:
        for task in self._pulls.values():
            task.cancel()
        await asyncio.gather(*self._pulls.values(), return_exceptions=True)

    async def _find(self, image: str) -> Any | None:
        try:
            return await self._engine.ask(Call("GET", f"/images/{image}/json"))
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def _pull(self, service: str, image: str) -> str:
        """Empty when it is there now, else why it could not be pulled."""
        task = self._pulls.get(image)
        if task is None:
            task = self._pulls[image] = asyncio.create_task(pull(self._engine, image))
            task.add_done_callback(lambda _: self._pulled(service, image))
        await asyncio.wait([task], timeout=PATIENCE)
        if not task.done():
            raise PlatformError(f"{service}: its image {image!r} is being pulled")
        return task.result()

    def _pulled(self, service: str, image: str) -> None:
        self._pulls.pop(image, None)
        self._notify(service)


async def pull(engine: Engine, image: str) -> str:
    """Have the engine fetch it from its registry; says why that failed, raises nothing."""
    name, tag = split_tag(image)
    query = {"fromImage": name, **({"tag": tag} if tag else {})}
    try:
        answer = await engine.send(Call("POST", "/images/create", query, timeout=PULL_TIMEOUT))
    except PlatformError as error:
        return str(error)
    return pull_error(answer.body)


def split_tag(image: str) -> tuple[str, str]:
    """Name and tag; without a tag `latest`, or all tags would be fetched. A digest is part of the
    name."""
    if "@" in image:
        return image, ""
    head, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return head + slash + name, tag or "latest"


def pull_error(body: bytes) -> str:
    """The engine answers 200 first and tells of a failure in the lines of progress after it."""
    for line in body.splitlines():
        try:
            error = text(msgspec.json.decode(line), "error")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if error:
            return told(error)
    return ""
