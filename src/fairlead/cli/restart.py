"""fairlead restart: replaces all endpoints of a service, new ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, file_option, service_argument

if TYPE_CHECKING:
    from fairlead.api.document import ServiceDoc


@click.command("restart")
@service_argument()
@file_option
def command(place: Place, service: str) -> None:
    """Replace all endpoints of SERVICE, new ones first.

    Old ones are drained when new ones are ready. A service that was given up on is tried again.
    """
    from fairlead.cli.client import Client

    client = Client(place)
    client.restart(service)
    click.echo(f"{service}: {_next(client.status(service)['services'][0])}")


def _next(service: ServiceDoc) -> str:
    """What follows, in words."""
    if service["strategy"] == "fixed":
        return "drained endpoints are in use again; fixed ones are not fairlead's to restart"
    if service["ready"]:
        return "restarting: new endpoints first, then the old ones are drained"
    return f"starting again, {service['desired']} wanted" if service["desired"] else "none runs"
