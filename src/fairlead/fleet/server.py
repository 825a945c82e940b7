"""The WebSocket that agents connect to, with a token, bounds on sizes and connections."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from fairlead.core.errors import Busy, WireError
from fairlead.fleet.fleet import Fleet
from fairlead.fleet.messages import (
    MOST_REPORT,
    PROTOCOL,
    Farewell,
    Hello,
    Report,
    Welcome,
    encode,
    from_agent,
)
from fairlead.fleet.roster import Agent

PATH = "/v1/agents"
MOST_AGENTS, MOST_WAITING = 4096, 1024
"""Connections that were let in, and such that have not shown a token yet."""
GREETING = 10.0
"""Seconds that an agent has for its first message."""
PULSE, PATIENCE = 2.0, 8.0
"""Seconds between two pings, so that it is known early how long a node that died has been silent;
and how long the answer to one may take."""

MOST_REASON = 123
"""Bytes (RFC 6455, section 5.5)."""
REFUSED, NOT_LEADING, REPLACED, SILENCE = 4400, 4503, 4409, 4408
FAULT = 1011
"""Close codes: cannot be understood; another controller leads; another agent of the node came; no
answer; a fault of ours (RFC 6455, section 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Who is let in. `leads` gives the epoch of this controller's lease, None while it has none."""

    token: str
    leads: Callable[[], int | None]

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        """Before the handshake: the wrong path, the wrong token, or too many."""
        if request.path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"agents connect to {PATH}\n")
        given = ", ".join(request.headers.get_all("Authorization"))
        if self.token and not hmac.compare_digest(
            given.encode("utf-8", "replace"), f"Bearer {self.token}".encode()
        ):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong\n")
        if len(connection.server.connections) >= MOST_AGENTS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many agents\n")
        return None


class Bounded(ServerConnection):
    """One too many is hung up on at once, before it has said anything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.server.handler_tasks) - len(self.server.all_connections) > MOST_WAITING:
            self.transport.abort()


@asynccontextmanager
async def serve_agents(fleet: Fleet, listen: str, gate: Gate) -> AsyncIterator[Server]:
    """Serve them for as long as the context lasts. Busy when the address is taken."""
    host, _, port = listen.rpartition(":")
    try:
        server = await serve(
            lambda connection: _attend(connection, fleet, gate),
            host,
            int(port),
            process_request=gate.refuse,
            create_connection=Bounded,
            compression=None,
            max_size=MOST_REPORT,
            ping_interval=None,
            open_timeout=GREETING,
            close_timeout=1.0,
            server_header=None,
        )
    except OSError as error:
        raise Busy(f"cannot listen on {listen} for agents: {error.strerror or error}") from error
    try:
        yield server
    finally:
        server.close()
        await server.wait_closed()


async def _attend(connection: ServerConnection, fleet: Fleet, gate: Gate) -> None:
    with suppress(ConnectionClosed, TimeoutError):
        try:
            async with asyncio.timeout(GREETING):
                hello = await _greeted(connection)
            epoch = gate.leads()
            if epoch is None:
                await connection.close(NOT_LEADING, "another controller leads")
                return
            await connection.send(encode(_welcome(fleet, epoch)), text=True)
            await _kept(connection, fleet, hello.node, _follow(connection, fleet, hello))
        except WireError as error:
            await connection.close(REFUSED, _reason(error))


async def _greeted(connection: ServerConnection) -> Hello:
    """WireError for an agent that cannot be understood."""
    hello = from_agent(await connection.recv())
    if not isinstance(hello, Hello):
        raise WireError("the first message of an agent is its hello")
    if hello.protocol != PROTOCOL:
        raise WireError(
            f"controller speaks protocol {PROTOCOL}, agent {hello.protocol}: run the same fairlead"
        )
    return hello


def _reason(error: WireError) -> str:
    """As much of it as a close frame takes."""
    return str(error).encode("ascii", "replace")[:MOST_REASON].decode("ascii")


def _welcome(fleet: Fleet, epoch: int) -> Welcome:
    return Welcome(PROTOCOL, version("fairlead"), fleet.life, epoch)


async def _follow(connection: ServerConnection, fleet: Fleet, hello: Hello) -> None:
    loop = asyncio.get_running_loop()

    def hang_up() -> None:
        closing = loop.create_task(connection.close(REPLACED, "another agent of this node came"))
        closings.add(closing)
        closing.add_done_callback(closings.discard)

    closings: set[asyncio.Task[None]] = set()
    agent = fleet.join(hello, hang_up)
    known = hello.generation if hello.life == fleet.life else 0
    works = [
        loop.create_task(_kept(connection, fleet, agent.node, work))
        for work in (
            _send(connection, fleet, agent, known),
            _part(connection, fleet, agent),
            _ping(connection, fleet, agent),
        )
    ]
    try:
        await _hear(connection, fleet, agent)
    finally:
        fleet.leave(agent)
        for task in works:
            task.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _kept(
    connection: ServerConnection, fleet: Fleet, node: str, work: Awaitable[None]
) -> None:
    """A session of which one part has ended is ended whole, and told: it would be half dead."""
    try:
        await work
    except (ConnectionClosed, WireError):
        raise
    except Exception as error:  # noqa: BLE001 - a fault of ours with one agent spares the others
        fleet.failed(node, error)
        await connection.close(FAULT, "the controller failed inside")


async def _send(connection: ServerConnection, fleet: Fleet, agent: Agent, generation: int) -> None:
    """However slow it takes them: what has changed meanwhile goes in one message."""
    await fleet.digested(agent)
    while True:
        generation, orders = await fleet.orders(generation)
        await connection.send(orders, text=True)


async def _ping(connection: ServerConnection, fleet: Fleet, agent: Agent) -> None:
    """Until one is not answered: then nothing else comes, either."""
    try:
        while True:
            await asyncio.sleep(PULSE)
            answered = await connection.ping()
            async with asyncio.timeout(PATIENCE):
                await answered
            fleet.heard(agent)
    except TimeoutError:
        await connection.close(SILENCE, "no answer to a ping")


async def _part(connection: ServerConnection, fleet: Fleet, agent: Agent) -> None:
    """Let it end once nobody is sent to its node any more."""
    await agent.parting.wait()
    await fleet.unnamed(agent.node)
    await connection.send(encode(Farewell()), text=True)


async def _hear(connection: ServerConnection, fleet: Fleet, agent: Agent) -> None:
    async for raw in connection:
        report = from_agent(raw)
        if not isinstance(report, Report):
            raise WireError("an agent says hello once")
        fleet.hear(agent, report)
