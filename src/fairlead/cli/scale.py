"""fairlead scale: sets how many endpoints of a service are wanted."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, Whole, file_option, service_argument, wait_timeout_option

if TYPE_CHECKING:
    from fairlead.api.document import ServiceDoc


@click.command("scale")
@service_argument()
@click.argument("replicas", metavar="N", type=Whole(0, 1000))
@click.option("--wait", is_flag=True, help="Return when N are ready and no other is left.")
@wait_timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(
    place: Place, service: str, replicas: int, wait: bool, timeout: float, as_json: bool
) -> int:
    """Run N endpoints of SERVICE."""
    from fairlead.cli.client import Client
    from fairlead.cli.wait import given_up, lacking, until

    client = Client(place)
    before = client.status(service)["services"][0]["desired"]
    client.scale(service, replicas)
    end = until(
        lambda: client.status(service)["services"],
        lambda services: lacking(services[0], replicas),
        timeout if wait else 0,
        lambda services: given_up(services) or services[0]["desired"] != replicas,
    )
    found = end.services[0]
    if as_json:
        click.echo(json.dumps(_outcome(found, replicas, end.word)))
    elif wait and end.word:
        raise click.ClickException(end.told)
    else:
        click.echo(f"{service}: {_told(before, replicas, found, done=not end.word)}")
    return int(wait and bool(end.word))


def _told(before: int, replicas: int, service: ServiceDoc, *, done: bool) -> str:
    if done:
        now = f"{replicas} ready" if replicas else "none runs"
        return f"{now}, as before" if before == replicas else now
    states = Counter(endpoint["state"] for endpoint in service["endpoints"])
    now = ", ".join(f"{number} {state}" for state, number in states.items()) or "none runs"
    change = "as before" if before == replicas else f"instead of {before}"
    return f"{replicas} wanted {change}; {now}"


def _outcome(service: ServiceDoc, replicas: int, word: str) -> dict[str, object]:
    endpoints = [endpoint["id"] for endpoint in service["endpoints"]]
    counts = {"replicas": replicas, "ready": service["ready"], "endpoints": endpoints}
    return {"service": service["name"], **counts, "done": not word, "lacking": word}
