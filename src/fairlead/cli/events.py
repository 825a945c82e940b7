"""fairlead events: what was decided or happened, and why."""

from __future__ import annotations

import json
import sys

import click

from fairlead.cli.place import Place, file_option
from fairlead.cli.text import event_line


@click.command("events")
@click.option("--follow", is_flag=True, help="Go on with new ones until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@file_option
def command(place: Place, follow: bool, as_json: bool) -> None:
    """Show what was decided and happened, and why."""
    from fairlead.cli.client import Client

    for event in Client(place).events(follow=follow):
        line = json.dumps(event) if as_json else event_line(event, sys.stdout)
        click.echo(line)
        sys.stdout.flush()
