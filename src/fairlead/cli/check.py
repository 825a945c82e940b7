"""fairlead check: whether the settings file and the machine are fit, without starting anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, file_option
from fairlead.cli.text import count, printable
from fairlead.core.errors import BadInput, DaemonError, FairleadError

if TYPE_CHECKING:
    from fairlead.cli.machine import Held


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(place: Place, as_json: bool) -> int:
    """Check settings file and machine; start nothing.

    Exit status 2 when the file is wrong, 1 when the machine is not fit.
    """
    from fairlead.cli.machine import findings
    from fairlead.core.scaling.words import summary
    from fairlead.settings import load
    from fairlead.settings.place import Problems

    services, scaled = 0, {}
    try:
        cluster = load(place.file)
        services = len(cluster.services)
        scaled = {each.name: summary(each.scale) for each in cluster.services if each.scale}
        problems, status = findings(cluster, _held(place)), 1
    except BadInput as error:
        several = error.found if isinstance(error, Problems) else [error]
        problems, status = [str(problem) for problem in several], error.exit_status
    if as_json:
        outcome = {"ok": not problems, "file": str(place.file), "services": services}
        click.echo(json.dumps({**outcome, "scaled": scaled, "problems": problems}))
    elif problems:
        raise _Unfit("\n".join(problems), status)
    else:
        click.echo(f"{printable(place.file.name)}: {count(services, 'service')}, all fine")
        for name, policy in scaled.items():
            click.echo(f"  {name} is scaled: {policy}")
    return status if problems else 0


class _Unfit(FairleadError):
    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def _held(place: Place) -> Held:
    from fairlead.cli.client import Client
    from fairlead.cli.machine import Held, left

    try:
        document = Client(place, timeout=5.0).status()
    except DaemonError:
        return left(place.state)
    endpoints = [e for service in document["services"] for e in service["endpoints"]]
    return Held(document["listen"], {endpoint["port"] for endpoint in endpoints})
