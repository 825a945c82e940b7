"""Which services the targets of proxies are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairlead.core.doctor.images import is_proxy, is_tool, keeps_data
from fairlead.core.doctor.workloads import Workload, workloads
from fairlead.core.setup import ProxyTarget, Setup

_HERE = frozenset(
    ("localhost", "127.0.0.1", "[::1]", "0.0.0.0", "host.docker.internal", "172.17.0.1")  # noqa: S104
)
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]")
_SERVER = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+)(:(?P<port>\d+))?")


def host_of(server: str) -> str:
    found = _SERVER.fullmatch(server)
    return found["host"].lower() if found else ""


def port_of(server: str) -> int | None:
    found = _SERVER.fullmatch(server)
    return int(found["port"] or 80) if found else None


def is_here(server: str) -> bool:
    """A port of the proxy's own machine."""
    host = host_of(server)
    return host in _HERE or host.startswith("127.")


def is_address(server: str) -> bool:
    return bool(_ADDRESS.fullmatch(host_of(server)))


def by_port(setup: Setup, server: str) -> list[Workload]:
    """Services with that port of a node."""
    number = port_of(server)
    return [
        each
        for each in workloads(setup)
        if any(fact.value == number for _, _, fact in each.fixed())
    ]


def by_name(setup: Setup, server: str) -> list[Workload]:
    """Services that go by that name in Compose's, or the task's own, network."""
    host = host_of(server)
    return [each for each in workloads(setup) if each.compose and each.task.family.lower() == host]


def meant(setup: Setup, proxy: ProxyTarget) -> list[Workload]:
    found = [
        each
        for server in proxy.servers
        for each in (
            by_port(setup, server)
            if is_here(server) or is_address(server)
            else by_name(setup, server)
        )
    ]
    return list({each.task.key: each for each in found}.values())


def beside_it(setup: Setup, server: str) -> bool:
    """The proxy is a container of the very task whose other container has that port."""
    port, host = port_of(server), host_of(server)
    for task in setup.tasks:
        if len(task.containers) < 2 or not any(is_proxy(box) for box in task.containers):
            continue
        others = [box for box in task.containers if not is_proxy(box)]
        inner = {p.container.value for box in others for p in box.ports}
        if port in inner or host in {box.name.lower() for box in others}:
            return True
        if is_here(server) and any(not box.ports for box in others):
            return True
    return False


def no_app(workload: Workload) -> bool:
    return all(keeps_data(box) or is_tool(box) for box in workload.exposed)


def name_of(setup: Setup, proxy: ProxyTarget) -> str:
    """The service's own name, else what the proxy calls it."""
    found = meant(setup, proxy)
    if found:
        return found[0].name
    hosts = [host for host in proxy.hosts if host not in ("_", "", "localhost")]
    return proxy.upstream or (hosts[0] if hosts else "")


def service_of(setup: Setup, name: str) -> str:
    """The service that a name in DNS is for: its proxy's, or the one that is called so."""
    host = name.rstrip(".")
    for proxy in setup.proxies:
        if host in proxy.hosts and (found := meant(setup, proxy)):
            return found[0].name
    label = host.split(".")[0]
    known = (each.name for each in workloads(setup) if each.service)
    return next((each for each in known if each == label or each.endswith(f"-{label}")), "")


def locals_of(setup: Setup) -> Iterator[tuple[ProxyTarget, str]]:
    """Targets on the proxy's own machine."""
    for proxy in setup.proxies:
        for server in proxy.servers:
            if is_here(server):
                yield proxy, server
