"""fairlead agent: keeps one node's nginx as the controller says."""

from __future__ import annotations

import click

from fairlead.cli.place import Place, file_option
from fairlead.cli.up import tell_event


@click.command("agent")
@file_option
def command(place: Place) -> int:
    """Start this node's nginx and keep it as the controller says.

    One a node. Without the controller the node serves on. Ctrl-C waits until DNS names the node no
    more, then ends nginx.
    """
    from fairlead.daemon import run_agent

    return run_agent(place.file, place.state, tell_event)
