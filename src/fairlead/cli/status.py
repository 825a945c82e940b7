"""fairlead status: what is wanted, what runs, and what is wrong."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import click

from fairlead.api.document import StatusDoc
from fairlead.cli.place import Place, file_option, service_argument

PAUSE = 1.0


@click.command("status")
@service_argument(required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="Print the status document.")
@click.option("--watch", is_flag=True, help="Show it again every second until Ctrl-C.")
@file_option
def command(place: Place, service: str, as_json: bool, watch: bool) -> None:
    """Show services and their endpoints."""
    documents = _documents(place, service, watch=watch)
    if as_json:
        for document in documents:
            click.echo(json.dumps(document))
    elif watch and sys.stdout.isatty():
        _watch(documents)
    else:
        for document in documents:
            show(document)


def show(document: StatusDoc) -> None:
    from fairlead.cli.status_view import view
    from fairlead.cli.text import echo

    echo(view(document, time.time()))


def _documents(place: Place, service: str, *, watch: bool) -> Iterator[StatusDoc]:
    from fairlead.cli.client import Client

    client = Client(place)
    yield client.status(service)
    while watch:
        time.sleep(PAUSE)
        yield client.status(service)


def _watch(documents: Iterator[StatusDoc]) -> None:
    """On a screen of its own, so that the terminal is as it was afterwards."""
    from rich.live import Live

    from fairlead.cli.status_view import view
    from fairlead.cli.text import console

    first = next(documents)
    with Live(view(first, time.time()), console=console(), screen=True, auto_refresh=False) as live:
        for document in documents:
            live.update(view(document, time.time()), refresh=True)
