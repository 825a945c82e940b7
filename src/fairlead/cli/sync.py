"""fairlead sync: one pass and exit, for cron, user data and workflows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.place import Place, Seconds, file_option, service_argument
from fairlead.cli.text import count, printable
from fairlead.core.errors import Busy, DaemonError

if TYPE_CHECKING:
    from fairlead.core.model import Entry
    from fairlead.daemon.once import Change, Wish

PAUSE = 0.1


@click.command("sync")
@service_argument(required=False, default="")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--quiet", is_flag=True, help="Say nothing of services that have not changed.")
@click.option(
    "--timeout",
    type=Seconds(0),
    default=15.0,
    show_default=True,
    help="Seconds for reads, and for new endpoints to pass their check.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(
    place: Place, service: str, dry_run: bool, quiet: bool, timeout: float, as_json: bool
) -> int:
    """Have nginx serve the endpoints that are there now, and exit.

    All services, or SERVICE alone. Starts and stops nothing; for machines without a daemon.
    """
    from fairlead.daemon.once import Wish

    changes = _synced(place, Wish(service, timeout, dry_run))
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "services": [_document(c) for c in changes]}))
    else:
        for line in _lines(changes, quiet=quiet):
            click.echo(printable(line))
    for change in changes:
        if change.problem:
            click.echo(f"fairlead: {printable(f'{change.service}: {change.problem}')}", err=True)
    return int(any(change.problem for change in changes))


def _synced(place: Place, wish: Wish) -> list[Change]:
    import asyncio

    from fairlead.daemon.once import once
    from fairlead.settings import load

    cluster = load(place.file)
    with _notes(place, wish) as notes:
        state = place.state if place.state.exists() else notes
        return asyncio.run(once(cluster, state, notes, wish))


@contextmanager
def _notes(place: Place, wish: Wish) -> Iterator[Path]:
    """Where events go: the state directory, held; for a dry run nothing is to be left behind."""
    if wish.dry:
        with TemporaryDirectory(prefix="fairlead-") as folder:
            yield Path(folder)
        return
    with ExitStack() as stack:
        _hold(stack, place, wish.timeout)
        yield place.state


def _hold(stack: ExitStack, place: Place, patience: float) -> None:
    """Another sync is waited for; a daemon is not, as it does all that a sync could do."""
    from fairlead.daemon.lock import hold

    end = time.monotonic() + patience
    while True:
        _refuse_beside_daemon(place)
        try:
            return stack.enter_context(hold(place.state))
        except Busy as error:
            if time.monotonic() > end:
                told = f"another fairlead is at work for {place.state}, and has not ended in time"
                raise Busy(told) from error
        time.sleep(PAUSE)


def _refuse_beside_daemon(place: Place) -> None:
    from fairlead.cli.client import Client

    try:
        pid = Client(place, timeout=5.0).pid()
    except DaemonError:
        return
    told = f"a daemon keeps these services in step already (pid {pid}): there is nothing to sync"
    raise Busy(f"{told}; see: fairlead status")


def _lines(changes: list[Change], *, quiet: bool) -> Iterator[str]:
    for change in changes:
        yield from (f"{change.service}: + {_place(entry)}" for entry in change.added)
        yield from (f"{change.service}: - {_place(e)}: {why}" for e, why in change.removed)
        if change.changed or not (quiet or change.problem):
            what = "" if change.changed else "nothing has changed, "
            yield f"{change.service}: {what}{count(len(change.serving), 'endpoint')} in use"


def _place(entry: Entry) -> str:
    return f"{entry.address}:{entry.port} ({entry.id})"


def _document(change: Change) -> dict[str, Any]:
    return {
        "service": change.service,
        "changed": change.changed,
        "added": [_entry(entry) for entry in change.added],
        "removed": [{**_entry(entry), "reason": why} for entry, why in change.removed],
        "endpoints": [_entry(entry) for entry in change.serving],
        "problem": change.problem,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "address": entry.address, "port": entry.port}
