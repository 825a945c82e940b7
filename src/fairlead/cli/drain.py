"""fairlead drain: takes one endpoint out of service without losing a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, endpoint_argument, file_option, wait_timeout_option
from fairlead.core.errors import BadInput, DaemonError

if TYPE_CHECKING:
    from fairlead.api.document import ServiceDoc
    from fairlead.cli.client import Client


@click.command("drain")
@endpoint_argument()
@click.option("--wait", is_flag=True, help="Return when it is gone.")
@wait_timeout_option
@file_option
def command(place: Place, endpoint: str, wait: bool, timeout: float) -> None:
    """Take one endpoint out without losing a request.

    It is withdrawn, and stopped when its last request has ended. A new endpoint takes its
    place: to have fewer, use scale.
    """
    from fairlead.cli.client import Client

    service, slash, name = endpoint.partition("/")
    if not (service and slash and name):
        raise BadInput(f"{endpoint!r} names no endpoint: expected SERVICE/ENDPOINT, as in status")
    client = Client(place)
    client.drain(service, name)
    if wait:
        _wait(client, service, name, timeout)
    found = client.status(service)["services"][0]
    click.echo(f"{endpoint}: {'gone' if wait else _next(found, name)}")


def _next(service: ServiceDoc, name: str) -> str:
    """What follows, in words."""
    if service["strategy"] == "fixed":
        return f"gets no new request; back into use: fairlead restart {service['name']}"
    if any(e["state"] == "ready" for e in service["endpoints"] if e["id"] != name):
        return "gets no new request, and is stopped after its last one; another takes its place"
    return "is drained as soon as another is ready"


def _wait(client: Client, service: str, name: str, timeout: float) -> None:
    from fairlead.cli.wait import until

    end = until(
        lambda: client.status(service)["services"],
        lambda services: "; ".join(_still_there(services[0], name)),
        timeout,
    )
    if end.word:
        raise DaemonError(end.told)


def _still_there(service: ServiceDoc, name: str) -> Iterator[str]:
    for endpoint in service["endpoints"]:
        if endpoint["id"] == name and endpoint["state"] != "stopped":
            reason = endpoint.get("reason") or f"{endpoint['in_flight']} in flight"
            yield f"{name} is {endpoint['state']}: {reason}"
