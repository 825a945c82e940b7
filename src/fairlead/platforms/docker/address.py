"""Where the engine listens: what DOCKER_HOST or the settings name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import partial

from fairlead.core.errors import BadInput
from fairlead.wire import Connect, unix

USUAL = "unix:///var/run/docker.sock"
_UNIX = re.compile(r"unix://(/[^\0\n]{1,107})")
_TCP = re.compile(r"tcp://(127\.0\.0\.1|localhost):([0-9]{1,5})/?")


def choose(host: str, environment: Mapping[str, str]) -> str:
    """The engine that is meant: the given one, else DOCKER_HOST's, else the usual socket."""
    return host or environment.get("DOCKER_HOST", "") or USUAL


def connector(host: str) -> Connect:
    """How to connect to it. BadInput when it is not on this machine: its published ports, and
    the addresses of its containers, would not be either."""
    if found := _UNIX.fullmatch(host):
        return unix(found[1])
    found = _TCP.fullmatch(host)
    if found and 0 < int(found[2]) < 65536:
        return partial(asyncio.open_connection, "127.0.0.1", int(found[2]))
    raise BadInput(
        f"Docker engine {host[:200]!a} cannot be used: give unix:///PATH or"
        " tcp://127.0.0.1:PORT (docker.host, or DOCKER_HOST)"
    )
