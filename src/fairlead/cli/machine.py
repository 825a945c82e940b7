"""What on this machine would keep a cluster from running: one finding in words each, no changes."""

from __future__ import annotations

import errno
import resource
import shutil
import socket
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fairlead.cli.text import count
from fairlead.core.model import Cluster, Service

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
OPEN_FILES = 4096
"""nginx holds two descriptors a request, and one for each idle connection."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a running daemon of this cluster holds already: no conflict with itself."""

    listen: Collection[str] = ()
    ports: Collection[int] = ()


def findings(cluster: Cluster, held: Held) -> list[str]:
    """Empty when the cluster could run here."""
    from fairlead.proxies.nginx.machine import check_machine

    found = check_machine()
    for listen in cluster.front.listen:
        if listen not in held.listen:
            found += _listen(listen)
    for service in cluster.services:
        found += _service(service)
    found += _ports(cluster, held.ports)
    found += _ephemeral(cluster.ports, EPHEMERAL)
    found += _open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    return found


def _listen(listen: str) -> Iterator[str]:
    from fairlead.cli.verify import split_listen

    address, port = split_listen(listen)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            yield f"cannot listen on {listen}: {_why(error, port)}"


def _why(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program does; see: ss -ltnp 'sport = :{port}'"
    if error.errno == errno.EACCES:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose one from 1024"
    return (error.strerror or str(error)).lower()


def _service(service: Service) -> Iterator[str]:
    if service.cwd and not Path(service.cwd).is_dir():
        yield f"{service.name}: the directory {service.cwd} does not exist"
        return
    for what, command in (("run", service.run), ("health command", service.health.command)):
        if command and not _is_found(command[0], service):
            yield f"{service.name}: {what}: {command[0]} is no program that can be found and run"


def _is_found(program: str, service: Service) -> bool:
    if "/" in program:
        return shutil.which(Path(service.cwd, program)) is not None
    return shutil.which(program, path=dict(service.env).get("PATH")) is not None


def _ports(cluster: Cluster, ours: Collection[int]) -> Iterator[str]:
    from fairlead.platforms.process.port_range import is_free

    first, last = cluster.ports
    running = [service for service in cluster.services if service.run]
    wanted = sum(service.replicas + service.roll.surge for service in running)
    free = 0
    for port in range(first, last + 1):
        free += port in ours or is_free(port)
        if free >= wanted:
            return
    yield f"ports {first}-{last}: {free} are free, and {wanted} are wanted (with a roll's surge)"


def _ephemeral(ports: tuple[int, int], source: Path) -> Iterator[str]:
    first, last = (int(number) for number in source.read_text(encoding="ascii").split())
    if ports[0] <= last and first <= ports[1]:
        yield (
            f"ports {ports[0]}-{ports[1]} overlap {first}-{last}, which the kernel hands out to "
            f"outgoing connections ({source}): choose ports below {first}"
        )


def _open_files(limit: int) -> Iterator[str]:
    if limit != resource.RLIM_INFINITY and limit < OPEN_FILES:
        yield (
            f"{count(limit, 'open file')} a process at most: nginx wants {OPEN_FILES}; "
            f"raise the hard limit (ulimit -Hn, or LimitNOFILE of the systemd unit)"
        )
