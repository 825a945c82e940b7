"""TCP checks."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fairlead.core.model import Endpoint, HealthCheck
from fairlead.probes.tcp import TcpProbe


async def test_passes_when_the_connection_is_accepted(serving) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    async with serving(accept) as endpoint:
        assert await TcpProbe().probe(HealthCheck(), endpoint) == ""


async def test_nobody_listens(at, free_port) -> None:
    assert await TcpProbe().probe(HealthCheck(), at(free_port)) == "connection refused"


async def test_a_full_backlog_is_a_timeout(at) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            problem = await TcpProbe().probe(HealthCheck(timeout=0.1), at(port))
        finally:
            for one in crowd:
                one.close()
    assert problem == "timeout after 0.1 s"


async def test_a_name_that_does_not_resolve() -> None:
    endpoint = Endpoint("a", "shop", "node", "no-such-host.invalid", 80)
    problem = await TcpProbe().probe(HealthCheck(timeout=20.0), endpoint)
    assert problem
    assert problem.isprintable()


async def test_a_connection_to_itself_counts_as_refused(at, free_port, monkeypatch) -> None:
    """The kernel does this by chance; here the socket is bound to the port it connects to."""
    loop = asyncio.get_running_loop()
    connect_socket = loop.sock_connect

    async def from_the_same_port(connection: socket.socket, address: tuple[str, int]) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(address)
        await connect_socket(connection, address)
        assert connection.getpeername() == address

    monkeypatch.setattr(loop, "sock_connect", from_the_same_port)
    assert await TcpProbe().probe(HealthCheck(), at(free_port)) == "connection refused"


async def test_nothing_is_left_open(at, free_port, open_files) -> None:
    before = open_files()
    for _ in range(5):
        await TcpProbe().probe(HealthCheck(), at(free_port))
    assert open_files() <= before


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_ipv6(at, free_port) -> None:
    with socket.socket(socket.AF_INET6) as listening:
        try:
            listening.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 loopback address here")
        listening.listen()
        endpoint = Endpoint("a", "shop", "node", "::1", listening.getsockname()[1])
        assert await TcpProbe().probe(HealthCheck(), endpoint) == ""
