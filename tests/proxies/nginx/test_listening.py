from __future__ import annotations

import asyncio
import os
import socket

import pytest

from fairlead.core.errors import Busy, ProxyError
from fairlead.proxies.nginx.listening import Listening, bind, owner, reachable, split
from tests.ground import free_port


def local(port: int) -> str:
    return f"127.0.0.1:{port}"


def test_splits_an_address() -> None:
    assert split("127.0.0.1:8080") == ("127.0.0.1", 8080)
    assert split("[::1]:80") == ("::1", 80)


def test_a_socket_is_as_nginx_inherits_it() -> None:
    with bind(local(free_port())) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        assert not listener.getblocking()
        assert not os.get_inheritable(listener.fileno())


def test_a_taken_address_is_named_with_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = local(other.getsockname()[1])
        with pytest.raises(Busy, match=rf"{address} is taken by .+ \(pid {os.getpid()}\): end it"):
            bind(address)


def test_nobody_owns_a_free_port() -> None:
    assert owner(free_port()) == ""


def test_an_address_of_another_machine() -> None:
    with pytest.raises(ProxyError, match=r"192\.0\.2\.1:\d+.*this machine does not have"):
        bind(f"192.0.2.1:{free_port()}")


async def test_takes_all_or_none() -> None:
    listening, free = Listening(), local(free_port())
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Busy):
        await listening.take([free, local(other.getsockname()[1])])
    assert listening.descriptors == []
    bind(free).close()


async def test_waits_for_an_address_that_is_about_to_be_free() -> None:
    listening = Listening()
    other = socket.create_server(("127.0.0.1", 0))
    address = local(other.getsockname()[1])
    asyncio.get_running_loop().call_later(0.05, other.close)
    await listening.take([address], patience=10)
    assert listening.missing([address]) == []
    listening.close()


async def test_what_is_held_is_not_bound_twice_and_let_go_when_no_longer_wanted() -> None:
    listening = Listening()
    first, second = (local(free_port()) for _ in range(2))
    await listening.take([first])
    held = listening.descriptors
    await listening.take([first, second])
    assert listening.descriptors[:1] == held
    listening.keep_only([second])
    assert listening.missing([first, second]) == [first]
    bind(first).close()
    listening.close()
    bind(second).close()


async def test_reachable_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        await reachable(local(server.getsockname()[1]), patience=0)
    with pytest.raises(ProxyError, match="does not listen"):
        await reachable(local(free_port()), patience=0.02)
