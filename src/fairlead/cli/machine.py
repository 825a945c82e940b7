"""What on this machine would keep a cluster from running: one finding in words each, no changes."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fairlead.cli.text import count
from fairlead.core.errors import FairleadError
from fairlead.core.model import Cluster, Plain, Service

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
OPEN_FILES = 4096
"""nginx holds two descriptors a request, and one for each idle connection."""


@dataclass(frozen=True, slots=True)
class Held:
    """What this cluster holds already, also without a daemon: no conflict with itself."""

    listen: Collection[str] = ()
    ports: Collection[int] = ()


def left(state: Path) -> Held:
    """What an earlier daemon left running there, for the next one to take over."""
    from fairlead.proxies.nginx.master import orphans
    from fairlead.proxies.nginx.prefix import Prefix

    nginx = Prefix(state / "nginx").read_record()
    serving = nginx and (nginx.identity.is_alive or orphans(nginx.pid))
    listen = nginx.listen if nginx and serving else ()
    ports = {port for file in state.glob("endpoints/*.json") for port in _port(file)}
    return Held(listen, ports)


def _port(record: Path) -> Iterator[int]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        yield int(json.loads(record.read_bytes())["port"])


def findings(cluster: Cluster, held: Held) -> list[str]:
    """Empty when the cluster could run here."""
    found = _nginx(cluster, held) if cluster.proxy == "nginx" else [*_plain(cluster.plain)]
    if cluster.platform == "process":
        for service in cluster.services:
            found += _service(service)
        found += _ports(cluster, held.ports)
        found += _ephemeral(cluster.ports, EPHEMERAL)
    if cluster.platform == "ecs" and find_spec("botocore") is None:
        found.append("platform ecs needs botocore: pip install 'fairlead[ecs]'")
    found += _open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    return found


def _nginx(cluster: Cluster, held: Held) -> list[str]:
    from fairlead.proxies.nginx.machine import check_machine

    free = (listen for listen in cluster.front.listen if listen not in held.listen)
    return [*check_machine(), *(problem for listen in free for problem in _listen(listen))]


def _plain(plain: Plain) -> Iterator[str]:
    """It runs and listens already."""
    for key, argv in (("binary", plain.binary), ("reload", plain.reload)):
        if argv and shutil.which(argv[0]) is None:
            yield f"proxy.{key}: {argv[0]} is no program that can be found and run"
    folder = Path(plain.upstreams).parent
    if not os.access(folder, os.W_OK | os.X_OK):
        yield f"proxy.upstreams: {folder} is no directory that fairlead may write to"


def _listen(listen: str) -> Iterator[str]:
    from fairlead.proxies.nginx.listening import bind

    try:
        bind(listen).close()
    except FairleadError as error:
        yield str(error)


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
