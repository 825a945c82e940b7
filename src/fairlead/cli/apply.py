"""fairlead apply: makes a changed settings file the one in force."""

from __future__ import annotations

import json

import click

from fairlead.cli.place import Place, file_option
from fairlead.cli.text import printable


@click.command("apply")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@file_option
def command(place: Place, as_json: bool) -> None:
    """Carry out what changed in the settings file.

    A file with a mistake changes nothing.
    """
    from fairlead.cli.client import Client

    changes = Client(place).apply()
    if as_json:
        click.echo(json.dumps({"changes": changes}))
        return
    for change in changes or ["nothing has changed"]:
        click.echo(printable(change))
