"""fairlead dns: what DNS says of the nodes, and what it is to say; one pass and exit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.place import CONTROLLER, Place, file_option
from fairlead.cli.text import count, printable

if TYPE_CHECKING:
    from fairlead.core.dns import Change, Record
    from fairlead.core.model import Cluster
    from fairlead.daemon.naming_once import Outcome


@click.command("dns")
@click.argument("what", type=click.Choice(("plan", "apply")))
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(place: Place, what: str, as_json: bool) -> int:
    """Name every node that is ready in DNS, or only say what would change.

    \b
    plan: print the changes, make none
    apply: make them

    Exit status 1 when a name is not, or not all, as it should be.
    """
    outcome = _run(place, write=what == "apply")
    if as_json:
        click.echo(json.dumps({"dry_run": outcome.dry, **_document(outcome)}))
    else:
        for line in _lines(outcome):
            click.echo(printable(line))
    for problem in outcome.problems:
        click.echo(f"fairlead: {printable(problem.message)}", err=True)
    return int(bool(outcome.problems))


def _run(place: Place, *, write: bool) -> Outcome:
    import asyncio

    from fairlead.settings import load

    once = _apply(load(place.file), place) if write else _plan(load(place.file))
    return asyncio.run(once)


async def _plan(cluster: Cluster) -> Outcome:
    from fairlead.daemon.naming_once import name_once

    with _notes() as notes:
        return await name_once(cluster, notes, write=False)


async def _apply(cluster: Cluster, place: Place) -> Outcome:
    from fairlead.daemon.naming_once import leading, name_once

    with _notes() as notes:
        async with leading(cluster, place.state / CONTROLLER) as fence:
            return await name_once(cluster, notes, write=True, fence=fence)


@contextmanager
def _notes() -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="fairlead-") as notes:
        yield Path(notes)


def _lines(outcome: Outcome) -> list[str]:
    from fairlead.dns.telling import because

    changes = _made(outcome)
    lines = [f"{change} ({because(change, outcome.nodes)})" for change in changes]
    able = len({node.id for node in outcome.nodes if node.named})
    lines += ["dry run: nothing was changed"] if outcome.dry else []
    return [*lines, f"{count(len(changes), 'change')}, {count(able, 'node')} can serve"]


def _made(outcome: Outcome) -> list[Change]:
    """Without those of names that failed."""
    bad = {problem.name for problem in outcome.failed}
    return [change for change in outcome.plan.changes if change.host not in bad]


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "changes": [
            {"action": c.action, "before": _record(c.before), "after": _record(c.after)}
            for c in _made(outcome)
        ],
        "held": sorted(outcome.plan.held),
        "problems": [{"name": p.name, "message": p.message} for p in outcome.problems],
    }


def _record(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "name": record.name,
        "kind": record.kind,
        "values": list(record.values),
        "ttl": record.ttl,
        "set_id": record.set_id,
        "routing": record.routing,
    }
