"""A small application for the tests: HTTP/1.1 with keep-alive on one asyncio loop.

    app.py PORT        behaviour comes from the environment:
    VERSION            told in every answer's X-Version
    START_DELAY        seconds until it listens
    HEALTH             the status that /health answers (200)
    EXIT_AFTER         seconds after which it exits with status 3
    WORKERS            so many requests are answered at a time (without it, all)
    END                "at-once": SIGTERM ends it in the middle of requests

Paths: /health; /slow?SECONDS; /die (ends the process in the middle of the request); anything else
answers the request's method, path and body back. SIGTERM ends it when no request is in flight.

It prints, each with seconds since the epoch: `listening`; `first`, its first request that is no
check; `term` and `last`, when SIGTERM came and when the last request before it had been answered.
TELL names a file that gets the same lines, each after the process id.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

VERSION = os.environ.get("VERSION", "1")
HEALTH = os.environ.get("HEALTH", "200")
WORKERS = int(os.environ.get("WORKERS", "1000000"))


class App:
    def __init__(self) -> None:
        self.in_flight = 0
        self.ending = asyncio.Event()
        self.workers = asyncio.Semaphore(WORKERS)
        self.first = self.last = 0.0

    def tell(self, what: str, when: float) -> None:
        print(what, f"{when:.6f}", flush=True)
        if "TELL" in os.environ:
            with open(os.environ["TELL"], "a") as file:  # noqa: PTH123 - pathlib is slow to import
                file.write(f"{os.getpid()} {what} {when:.6f}\n")

    def end(self) -> None:
        self.tell("last", self.last)
        self.tell("term", time.time())
        self.ending.set()

    def met(self, path: str) -> None:
        if not self.first and path != "/health":
            self.first = time.time()
            self.tell("first", self.first)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.exchange(reader, writer):
                pass
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.in_flight += 1
        try:
            first, *lines = head.split("\r\n")
            method, target, _ = first.split(" ")
            self.met(target)
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status, answer = await self.answer(method, target, body)
            close = self.ending.is_set() or headers.get("connection", "").lower() == "close"
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n"
                f"X-Instance: {os.getpid()}\r\nX-Version: {VERSION}\r\n"
                f"Connection: {'close' if close else 'keep-alive'}\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
            if target != "/health":
                self.last = time.time()
            return not close
        finally:
            self.in_flight -= 1

    async def answer(self, method: str, target: str, body: bytes) -> tuple[str, bytes]:
        path, _, query = target.partition("?")
        if path == "/health":
            return HEALTH, b"health"
        if path == "/slow":
            async with self.workers:
                await asyncio.sleep(float(query))
        if path == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        return "200", f"{method} {target} ".encode() + body


async def main(port: int) -> None:
    app = App()
    loop = asyncio.get_running_loop()
    if os.environ.get("END") != "at-once":
        loop.add_signal_handler(signal.SIGTERM, app.end)
    if "EXIT_AFTER" in os.environ:
        loop.call_later(float(os.environ["EXIT_AFTER"]), os._exit, 3)
    await asyncio.sleep(float(os.environ.get("START_DELAY", "0")))
    host = os.environ.get("HOST", "127.0.0.1")
    server = await asyncio.start_server(app.serve, host, port, backlog=1024)
    app.tell("listening", time.time())
    await app.ending.wait()
    server.close()
    while app.in_flight:
        await asyncio.sleep(0.01)


asyncio.run(main(int(sys.argv[1])))
