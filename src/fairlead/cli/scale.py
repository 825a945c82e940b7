"""fairlead scale: how many endpoints of a service are wanted, by hand or by its scaler."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.place import (
    Place,
    Span,
    Whole,
    file_option,
    service_argument,
    wait_timeout_option,
)

if TYPE_CHECKING:
    from fairlead.api.document import ServiceDoc


@click.command("scale")
@service_argument(required=False, default="")
@click.argument("replicas", metavar="N", type=Whole(0, 1000), required=False)
@click.option("--wait", is_flag=True, help="Return when N are ready and no other is left.")
@wait_timeout_option
@click.option("--resume", is_flag=True, help="Let the scaler act again, which N has paused.")
@click.option("--explain", is_flag=True, help="Say what the scaler thinks, and what it did.")
@click.option("--dry-run", "dry", is_flag=True, help="Show what it would do, of one or all.")
@click.option("--for", "span", type=Span(), help="How long --dry-run goes on.  [default: Ctrl-C]")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(place: Place, service: str, replicas: int | None, **options: Any) -> int:
    """Run N endpoints of SERVICE, or look at its scaler."""
    if problem := _mixture(service, replicas, options):
        raise click.UsageError(problem, click.get_current_context())
    as_json = bool(options["as_json"])
    if options["dry"]:
        from fairlead.cli.scale_trial import trial

        trial(place, service, options["span"], as_json=as_json)
    elif options["explain"]:
        from fairlead.cli.scale_view import show

        show(place, service, as_json=as_json)
    elif options["resume"]:
        _resume(place, service, as_json=as_json)
    elif replicas is not None:
        timeout = options["timeout"] if options["wait"] else None
        return _scale(place, service, replicas, timeout, as_json=as_json)
    return 0


def _mixture(service: str, replicas: int | None, options: dict[str, Any]) -> str:
    """What of the command line does not go together, or nothing."""
    ways = sum(options[name] for name in ("dry", "explain", "resume"))
    if not service and not options["dry"]:
        return "Missing argument 'SERVICE'"
    if replicas is None and not ways:
        return "Missing argument 'N', or one of --resume, --explain and --dry-run"
    if ways + (replicas is not None) > 1:
        return "N, --resume, --explain and --dry-run exclude one another"
    if options["wait"] and replicas is None:
        return "--wait needs N"
    return "--for needs --dry-run" if options["span"] is not None and not options["dry"] else ""


def _resume(place: Place, service: str, *, as_json: bool) -> None:
    from fairlead.cli.client import Client

    client = Client(place)
    client.resume(service)
    found = client.status(service)["services"][0]
    if as_json:
        click.echo(json.dumps({"service": service, "replicas": found["desired"], "paused": ""}))
    else:
        click.echo(f"{service}: its scaler acts again, from {found['desired']} on")


def _scale(
    place: Place, service: str, replicas: int, timeout: float | None, *, as_json: bool
) -> int:
    """Waits when there is a timeout."""
    from fairlead.cli.client import Client
    from fairlead.cli.wait import given_up, lacking, until

    client = Client(place)
    before = client.status(service)["services"][0]["desired"]
    client.scale(service, replicas)
    end = until(
        lambda: client.status(service)["services"],
        lambda services: lacking(services[0], replicas),
        timeout or 0,
        lambda services: given_up(services) or services[0]["desired"] != replicas,
    )
    found, waits = end.services[0], timeout is not None
    if as_json:
        click.echo(json.dumps(_outcome(found, replicas, end.word)))
    elif waits and end.word:
        raise click.ClickException(end.told)
    else:
        click.echo(f"{service}: {_told(before, replicas, found, done=not end.word)}")
        _tell_paused(found)
    return int(waits and bool(end.word))


def _tell_paused(service: ServiceDoc) -> None:
    if service.get("scale", {}).get("paused"):
        click.echo(f"its scaler is paused, until: fairlead scale {service['name']} --resume")


def _told(before: int, replicas: int, service: ServiceDoc, *, done: bool) -> str:
    if done:
        now = f"{replicas} ready" if replicas else "none runs"
        return f"{now}, as before" if before == replicas else now
    states = Counter(endpoint["state"] for endpoint in service["endpoints"])
    now = ", ".join(f"{number} {state}" for state, number in states.items()) or "none runs"
    change = "as before" if before == replicas else f"instead of {before}"
    return f"{replicas} wanted {change}; {now}"


def _outcome(service: ServiceDoc, replicas: int, word: str) -> dict[str, object]:
    endpoints = [endpoint["id"] for endpoint in service["endpoints"]]
    counts = {"replicas": replicas, "ready": service["ready"], "endpoints": endpoints}
    scale = service.get("scale")
    paused = {"paused": scale["paused"]} if scale else {}
    return {"service": service["name"], **counts, "done": not word, "lacking": word, **paused}
