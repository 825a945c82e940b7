"""Where requests reach a container."""

from __future__ import annotations

from fairlead.platforms.docker.containers import LOOPBACK, Container

Place = tuple[str, int]
"""An address and a port."""


def inner_port(container: Container, asked: int) -> int | str:
    """The port inside the container: the one asked for, else the only one there is, else why
    none can be told."""
    known = container.to_publish or container.exposed
    if asked or len(known) == 1:
        return asked or known[0]
    listed = ", ".join(map(str, known)) or "none"
    return f"which of its ports takes requests is not told (it has {listed}): name it"


def find_place(container: Container, asked: int, network: str) -> Place | str:
    """Where it is reached, or why it is not.

    With a network: its address there. Without: its published port, else the host's own network,
    else its address on any of its networks (a Linux host reaches them all).
    """
    port = inner_port(container, asked)
    if isinstance(port, str):
        return port
    if network:
        return _on_network(container, network, port)
    for binding in container.bindings:
        if binding.port == port:
            return binding.address, binding.host_port
    if port in container.to_publish:
        return f"port {port} is not published yet"
    if "host" in container.networks:
        return LOOPBACK, port
    addresses = [a for _, a in sorted(container.networks.items()) if a]
    return (addresses[0], port) if addresses else "it is on no network yet"


def _on_network(container: Container, network: str, port: int) -> Place | str:
    if network == "host" and network in container.networks:
        return LOOPBACK, port
    address = container.networks.get(network, "")
    return (address, port) if address else f"it has no address on network {network} yet"
