"""What the engine says of one container, as far as it matters here.

The shape is that of GET /containers/{id}/json; every field but the id may be missing or be
something else.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from fairlead.platforms.docker.answers import at, items, mapping, moment, number, text, texts
from fairlead.platforms.docker.events import signal_name

LOOPBACK = "127.0.0.1"
_ID = re.compile("[0-9a-f]{12,64}")
_PORT = re.compile("([0-9]{1,5})(?:/tcp)?")
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - read, not listened on
_MOST_PORTS = 4096
_PERIOD = 100_000
"""Microseconds over which the kernel bounds CPU unless told otherwise."""
_LIVES = frozenset({"running", "paused"})
_OVER = frozenset({"created", "restarting", "removing", "exited", "dead"})
"""Of a container's states (moby's container.State.StateString) the one or the other."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A port inside the container and where it is published."""

    port: int
    address: str
    host_port: int


@dataclass(frozen=True, slots=True)
class Container:
    """One container. `started`, `created` are since the epoch, `started` 0 for never.

    `networks` maps the names of its networks to its addresses there (empty on the host's own).
    `health` is healthy, unhealthy, starting or, without a HEALTHCHECK, empty; `health_output` is
    what the last failed one printed. `exit` says how it ended, empty while it runs. `to_publish`
    are the ports that the engine was asked to publish, `bindings` where it has. `cores` is how many
    it may use, 0 for as many as there are.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    created: float
    started: float
    running: bool
    paused: bool = False
    exit: str = ""
    pid: int | None = None
    stop_signal: str = "TERM"
    health: str = ""
    health_output: str = ""
    bindings: tuple[Binding, ...] = ()
    to_publish: tuple[int, ...] = ()
    exposed: tuple[int, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    cores: float = 0.0


def read_container(answer: Any) -> Container | str:
    """The container, or why its description is of no use: what is known of it then stays."""
    container_id = text(answer, "Id")
    if not _ID.fullmatch(container_id):
        return f"a container without a usable id ({ascii(at(answer, 'Id'))[:80]})"
    status = text(answer, "State", "Status")
    running = status in _LIVES
    if lacking := _lacking(answer, status):
        return f"the description of container {container_id[:12]} has no usable {lacking}"
    pid = number(answer, "State", "Pid")
    return Container(
        id=container_id,
        name=text(answer, "Name").removeprefix("/"),
        labels=texts(answer, "Config", "Labels"),
        created=moment(answer, "Created"),
        started=moment(answer, "State", "StartedAt"),
        running=running,
        paused=status == "paused",
        exit="" if running else exit_in_words(mapping(answer, "State"), status),
        pid=pid if running and pid > 0 else None,
        stop_signal=signal_name(text(answer, "Config", "StopSignal")) or "TERM",
        health=_health(text(answer, "State", "Health", "Status")),
        health_output=_last_failure(answer),
        bindings=tuple(_bindings(answer)),
        to_publish=_to_publish(answer),
        exposed=exposed_ports(mapping(answer, "Config")),
        networks=_networks(answer),
        cores=_cores(answer),
    )


def _cores(answer: Any) -> float:
    """By `--cpus`, or by the kernel's own words, `--cpu-quota` and `--cpu-period`."""
    nanos, quota = (
        number(answer, "HostConfig", "NanoCpus"),
        number(answer, "HostConfig", "CpuQuota"),
    )
    if nanos > 0:
        return nanos / 1e9
    return quota / (number(answer, "HostConfig", "CpuPeriod") or _PERIOD) if quota > 0 else 0.0


def _lacking(answer: Any, status: str) -> str:
    """Without these a living container would seem to have ended or moved."""
    if status not in _LIVES and status not in _OVER:
        return "state"
    if status in _LIVES and not moment(answer, "State", "StartedAt"):
        return "start time"
    told = isinstance(at(answer, "NetworkSettings", "Networks"), dict) and (
        isinstance(at(answer, "NetworkSettings", "Ports"), dict) or not _to_publish(answer)
    )
    return "" if told or status in _OVER else "network settings"


def exit_in_words(state: Mapping[str, Any], status: str = "exited") -> str:
    """`exit 3`, `signal 9`, `signal 9 (out of memory)`, or why it never ran.

    A code above 128 stands for a signal, as in a shell.
    """
    code = number(state, "ExitCode")
    if status == "created":
        return told(text(state, "Error")) or "never started"
    if status == "removing":
        return "removed"
    words = signal_or_exit(code)
    return f"{words} (out of memory)" if at(state, "OOMKilled") is True else words


def signal_or_exit(code: int) -> str:
    return f"signal {code - 128}" if 128 < code <= 128 + 64 else f"exit {code}"


def exposed_ports(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The TCP ports that a container or image declares, in order."""
    return _ports(mapping(config, "ExposedPorts"))


def told(output: str) -> str:
    """One printable line of at most 200 characters."""
    line = " ".join(output.split())[:200]
    return "".join(c if c.isprintable() else "?" for c in line)


def is_address(written: str) -> bool:
    try:
        ipaddress.IPv4Address(written)
    except ValueError:
        return False
    return True


def _health(status: str) -> str:
    return status if status in ("starting", "healthy", "unhealthy") else ""


def _last_failure(answer: Any) -> str:
    log = items(answer, "State", "Health", "Log")
    failed = [entry for entry in log if number(entry, "ExitCode")]
    return told(text(failed[-1], "Output")) if failed else ""


def _bindings(answer: Any) -> Iterator[Binding]:
    """Published TCP ports at IPv4 addresses; one for all addresses is reached on loopback."""
    for key, places in list(mapping(answer, "NetworkSettings", "Ports").items())[:_MOST_PORTS]:
        port = _port(key)
        for place in places if port and isinstance(places, list) else ():
            host, host_port = text(place, "HostIp"), _port(at(place, "HostPort"))
            address = LOOPBACK if host in _EVERYWHERE else host
            if host_port and is_address(address):
                yield Binding(port, address, host_port)


def _to_publish(answer: Any) -> tuple[int, ...]:
    if at(answer, "HostConfig", "PublishAllPorts") is True:
        return exposed_ports(mapping(answer, "Config"))
    return _ports(mapping(answer, "HostConfig", "PortBindings"))


def _ports(keys: Iterable[Any]) -> tuple[int, ...]:
    return tuple(sorted({port for key in islice(keys, _MOST_PORTS) if (port := _port(key))}))


def _networks(answer: Any) -> dict[str, str]:
    found = mapping(answer, "NetworkSettings", "Networks")
    addresses = {name: text(found, name, "IPAddress") for name in found}
    return {n: a if is_address(a) else "" for n, a in addresses.items()}


def _port(key: Any) -> int:
    """Of `8080/tcp` or `8080`; 0 for other protocols and what is no port."""
    found = _PORT.fullmatch(key) if isinstance(key, str) and key.isascii() else None
    port = int(found[1]) if found else 0
    return port if port < 65536 else 0
