"""fairlead drain: takes one endpoint out of service without losing a request."""

from __future__ import annotations

import click

from fairlead.cli.place import Place, endpoint_argument, file_option
from fairlead.core.errors import BadInput


@click.command("drain")
@endpoint_argument()
@file_option
def command(place: Place, endpoint: str) -> None:
    """Take one endpoint out without losing a request.

    It is withdrawn, and stopped when its last request has ended. A new endpoint takes its
    place: to have fewer, use scale.
    """
    from fairlead.cli.client import Client

    service, slash, name = endpoint.partition("/")
    if not (service and slash and name):
        raise BadInput(f"{endpoint!r} names no endpoint: expected SERVICE/ENDPOINT, as in status")
    Client(place).drain(service, name)
    click.echo(f"{service}/{name}: draining")
