"""Clients that never say what they want hold no place at an HTTP listener for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from fairlead import serving as under_test
from fairlead.api.server import serve_hooks
from fairlead.core.model import Hooks
from tests.ground import free_port


@pytest.mark.parametrize("begun", [b"", b"POST /v1/tasks/abcdefgh/leave HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_does_not_come_whole_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(under_test, "HEAD_TIMEOUT", 0.1)
    port = free_port()
    async with serve_hooks(None, Hooks(f"127.0.0.1:{port}")):  # type: ignore[arg-type]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        async with asyncio.timeout(20):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
