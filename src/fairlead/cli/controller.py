"""fairlead controller: decides for a cluster of many nodes."""

from __future__ import annotations

import click

from fairlead.cli.place import CONTROLLER, Place, file_option
from fairlead.cli.up import tell_event


@click.command("controller")
@file_option
def command(place: Place) -> int:
    """Read the platform once for all nodes, and tell their agents.

    One a cluster; a second one waits, and takes over when the first is gone. Its state is in
    `controller` of the state directory. Ctrl-C ends it and nothing else.
    """
    from fairlead.daemon import run_controller

    return run_controller(place.file, place.state / CONTROLLER, tell_event)
