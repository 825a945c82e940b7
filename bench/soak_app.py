"""The application of the soak: HTTP/1.1 on one asyncio loop, with every peculiarity of real ones.

    soak_app.py PORT     behaviour comes from the environment:
    IDLE                 seconds after which an idle connection is closed, unannounced (75)
    MOST                 answers after which a connection is closed, announced (0: never)
    CUT                  the same, unannounced
    START_DELAY, HEALTH  as of tests/integration/app.py

Every answer tells the service that gave it: NAME (or FAIRLEAD_SERVICE) METHOD TARGET BODY.
Paths: /slow?SECONDS, /chunks?COUNT, /status?CODE, /head?BYTES of headers, /big?BYTES,
/length answers the length of the body; Upgrade turns the connection into an echo.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

NAME = os.environ.get("NAME") or os.environ.get("FAIRLEAD_SERVICE", "")
IDLE = float(os.environ.get("IDLE", "75"))
MOST, CUT = int(os.environ.get("MOST", "0")), int(os.environ.get("CUT", "0"))
BLOCK = b"x" * 65536


class Request:
    def __init__(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        self.path, _, query = self.target.partition("?")
        self.number = float(query or 0)
        self.body = b""


class App:
    def __init__(self) -> None:
        self.in_flight = 0
        self.ending = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = 0
        try:
            while await self.exchange(reader, writer, answered):
                answered += 1
                if answered == CUT:
                    break
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answered: int
    ) -> bool:
        async with asyncio.timeout(IDLE):
            head = await reader.readuntil(b"\r\n\r\n")
        self.in_flight += 1
        try:
            request = Request(head)
            request.body = await _body(reader, request)
            if "upgrade" in request.headers:
                return await _echo(reader, writer)
            last = self.ending.is_set() or request.headers.get("connection") == "close"
            last = last or answered + 1 == MOST
            await _answer(writer, request, "close" if last else "keep-alive")
            return not last
        finally:
            self.in_flight -= 1


async def _body(reader: asyncio.StreamReader, request: Request) -> bytes:
    left, kept = int(request.headers.get("content-length", 0)), b""
    if request.path != "/length":
        return await reader.readexactly(left)
    size = left
    while left and (data := await reader.read(min(left, len(BLOCK)))):
        left -= len(data)
    return kept or str(size - left).encode()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 101 X\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    return False


async def _answer(writer: asyncio.StreamWriter, request: Request, connection: str) -> None:
    status, extra = 200, ""
    if request.path == "/slow":
        await asyncio.sleep(request.number)
    if request.path == "/status":
        status = int(request.number)
    if request.path == "/head":
        extra = f"X-Large: {'h' * int(request.number)}\r\n"
    head = (
        f"HTTP/1.1 {status} X\r\nConnection: {connection}\r\nX-Instance: {os.getpid()}\r\n{extra}"
    )
    if request.path in ("/chunks", "/big"):
        return await _long(writer, request, head)
    text = f"{NAME} {request.method} {request.target} ".encode() + request.body
    bare = request.method == "HEAD" or status in (204, 304)
    length = "" if status in (204, 304) else f"Content-Length: {len(text)}\r\n"
    writer.write(f"{head}{length}\r\n".encode() + (b"" if bare else text))
    await writer.drain()
    return None


async def _long(writer: asyncio.StreamWriter, request: Request, head: str) -> None:
    count = int(request.number)
    if request.path == "/chunks":
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(count):
            writer.write(b"5\r\nhello\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")
    else:
        writer.write(f"{head}Content-Length: {count}\r\n\r\n".encode())
        for at in range(0, count, len(BLOCK)):
            writer.write(BLOCK[: count - at])
            await writer.drain()
    await writer.drain()


async def main(port: int) -> None:
    app = App()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.ending.set)
    await asyncio.sleep(float(os.environ.get("START_DELAY", "0")))
    server = await asyncio.start_server(app.serve, "127.0.0.1", port, backlog=1024)
    await app.ending.wait()
    server.close()
    while app.in_flight:  # noqa: ASYNC110 - polling is all that this small program needs
        await asyncio.sleep(0.01)


asyncio.run(main(int(sys.argv[1])))
