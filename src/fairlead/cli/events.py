"""fairlead events: what was decided or happened, and why; the past also without a daemon."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import click

from fairlead.cli.place import Place, Whole, file_option
from fairlead.cli.text import event_line

if TYPE_CHECKING:
    from fairlead.api.document import EventDoc


@click.command("events")
@click.option("--follow", is_flag=True, help="Go on with new ones until Ctrl-C.")
@click.option(
    "-n",
    "--last",
    type=Whole(0, 1_000_000),
    default=50,
    show_default=True,
    help="How many of the last ones to show.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@file_option
def command(place: Place, follow: bool, last: int, as_json: bool) -> None:
    """Show what was decided and happened, and why."""
    for event in _events(place, last, follow=follow):
        line = json.dumps(event) if as_json else event_line(event, sys.stdout)
        click.echo(line)
        sys.stdout.flush()


def _events(place: Place, last: int, *, follow: bool) -> Iterator[EventDoc]:
    from fairlead.cli.client import Client, NoDaemon

    client = Client(place)
    try:
        past = list(client.events())
    except NoDaemon:
        if follow or not (past := _written(place)):
            raise
    yield from past[-last:] if last else ()
    if follow:
        yield from client.events(since=past[-1]["seq"] if past else 0, follow=True)


def _written(place: Place) -> list[EventDoc]:
    """What the last daemon left in its file."""
    from dataclasses import asdict

    from fairlead.journal import read

    return [cast("EventDoc", asdict(event)) for event in read(place.state / "events.jsonl")]
