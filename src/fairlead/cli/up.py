"""fairlead up: starts the daemon, here or on its own."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, Seconds, file_option
from fairlead.cli.text import event_line

if TYPE_CHECKING:
    from fairlead.core.model import Event


@click.command("up")
@click.option("--detach", is_flag=True, help="Run on its own; return when all services are ready.")
@click.option(
    "--timeout",
    type=Seconds(0),
    default=90.0,
    show_default=True,
    help="Seconds that --detach waits for the services.",
)
@file_option
def command(place: Place, detach: bool, timeout: float) -> int:
    """Start the services and nginx in front of them.

    Ctrl-C stops everything again; with --detach, fairlead down does.
    """
    if detach:
        from fairlead.cli.detach import start_and_wait

        return start_and_wait(place, timeout)
    from fairlead.daemon import run

    return run(place.file, place.state, tell_event)


def tell_event(event: Event) -> None:
    """A terminal that went away must not end the daemon."""
    from dataclasses import asdict
    from typing import cast

    from fairlead.api.document import EventDoc

    with suppress(OSError, ValueError):
        click.echo(event_line(cast(EventDoc, asdict(event)), sys.stdout))
        sys.stdout.flush()
