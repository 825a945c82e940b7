"""fairlead down: ends the daemon, and with it everything that it runs."""

from __future__ import annotations

import json
import os
import select
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, Seconds, file_option
from fairlead.cli.text import printable, shortened
from fairlead.core.errors import BadInput, DaemonError

if TYPE_CHECKING:
    from fairlead.cli.client import Client


@click.command("down")
@click.option("--keep", is_flag=True, help="Leave endpoints and nginx serving for the next up.")
@click.option(
    "--timeout",
    type=Seconds(0),
    default=120.0,
    show_default=True,
    help="Seconds to wait for the end.",
)
@file_option
def command(place: Place, keep: bool, timeout: float) -> None:
    """Stop nginx, all endpoints and the daemon.

    It returns when they are gone. What a daemon that was killed left behind is stopped too.
    """
    from fairlead.cli.client import Client, NoDaemon

    client = Client(place)
    try:
        pid = client.pid()
    except NoDaemon:
        if keep or not place.state.is_dir():
            raise
        if not _leftovers(place):
            click.echo("nothing is running")
            return
        pid = _adopt(place, client)
    _end(client, pid, keep=keep, timeout=timeout)
    click.echo("the endpoints and nginx go on serving" if keep else "all stopped")


def _leftovers(place: Place) -> bool:
    records = place.state / "endpoints"
    return any(records.glob("*.json")) or (place.state / "nginx" / "nginx.pid").exists()


def _adopt(place: Place, client: Client) -> int:
    """A daemon killed outright leaves its endpoints serving: a new one takes them over."""
    from fairlead.cli.detach import start

    click.echo("no daemon is running: starting one to stop what the last one left", err=True)
    start(_usable(place))
    return client.pid()


def _usable(place: Place) -> Place:
    """The place itself; without good settings, one with the least that can stop what is left."""
    from fairlead.proxies.nginx.prefix import Prefix
    from fairlead.settings import load

    try:
        load(place.file)
    except BadInput as error:
        click.echo(f"{printable(shortened(str(error).splitlines()[0]))}: going without", err=True)
    else:
        return place
    nginx = Prefix(place.state / "nginx").read_record()
    listen = {"listen": list(nginx.listen)} if nginx else {}
    file = place.state / "down.yaml"
    file.write_text(json.dumps({**listen, "services": {}}), encoding="utf-8")
    return replace(place, file=file)


def _end(client: Client, pid: int, *, keep: bool, timeout: float) -> None:
    """The daemon is gone when its process is: its socket closes earlier."""
    with suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        try:
            client.down(keep=keep)
            if not select.select([process], [], [], timeout)[0]:
                raise DaemonError(f"the daemon (pid {pid}) has not ended after {timeout:g} s")
        finally:
            os.close(process)
