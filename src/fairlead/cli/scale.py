"""fairlead scale: sets how many endpoints of a service are wanted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, file_option, service_argument

if TYPE_CHECKING:
    from fairlead.cli.client import Client


@click.command("scale")
@service_argument()
@click.argument("replicas", metavar="N", type=click.IntRange(0, 1000))
@click.option("--wait", is_flag=True, help="Return when N are ready and no other is left.")
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="Seconds that --wait waits.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(
    place: Place, service: str, replicas: int, wait: bool, timeout: float, as_json: bool
) -> int:
    """Run N endpoints of SERVICE."""
    from fairlead.cli.client import Client
    from fairlead.cli.wait import timed_out, until

    client = Client(place)
    client.scale(service, replicas)
    word = until(lambda: _lacking(client, service, replicas), timeout if wait else 0)
    if as_json:
        click.echo(json.dumps(_outcome(client, service, replicas, word)))
    elif wait and word:
        raise click.ClickException(timed_out(word, timeout))
    else:
        click.echo(f"{service}: {replicas} {'wanted' if word else 'ready'}")
    return int(wait and bool(word))


def _lacking(client: Client, service: str, replicas: int) -> str:
    from fairlead.cli.wait import lacking

    return lacking(client.status(service)["services"][0], replicas)


def _outcome(client: Client, service: str, replicas: int, word: str) -> dict[str, object]:
    found = client.status(service)["services"][0]
    endpoints = [endpoint["id"] for endpoint in found["endpoints"]]
    counts = {"replicas": replicas, "ready": found["ready"], "endpoints": endpoints}
    return {"service": service, **counts, "done": not word, "lacking": word}
