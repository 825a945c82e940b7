"""fairlead restart: replaces all endpoints of a service, new ones first."""

from __future__ import annotations

import click

from fairlead.cli.place import Place, file_option, service_argument


@click.command("restart")
@service_argument()
@file_option
def command(place: Place, service: str) -> None:
    """Replace all endpoints of SERVICE, new ones first.

    Old ones are drained when new ones are ready. A service that was given up on is tried again.
    """
    from fairlead.cli.client import Client

    Client(place).restart(service)
    click.echo(f"{service}: restarting, one after the other")
