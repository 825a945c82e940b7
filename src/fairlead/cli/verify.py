"""fairlead verify: proves through the front door that a service answers, from every endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place, Whole, file_option, service_argument
from fairlead.core.errors import BadInput, DaemonError

if TYPE_CHECKING:
    from fairlead.api.document import ServiceDoc
    from fairlead.cli.trial import Goal


@click.command("verify")
@service_argument()
@click.option(
    "-n",
    "--requests",
    type=Whole(1, 1_000_000),
    default=100,
    show_default=True,
    help="How many requests to send.",
)
@click.option(
    "-c",
    "--connections",
    type=Whole(1, 64),
    default=4,
    show_default=True,
    help="Over how many keep-alive connections.",
)
@click.option("--path", help="The path to ask for.  [default: the health check's, or the route's]")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@file_option
def command(
    place: Place, service: str, requests: int, connections: int, path: str | None, as_json: bool
) -> int:
    """Send requests and tell which endpoints answered.

    They go to SERVICE through nginx, like those of any client. A request fails when it breaks,
    gets a 5xx, or is answered without an endpoint.
    """
    from fairlead.cli.client import Client
    from fairlead.cli.trial import ask
    from fairlead.cli.verdict import Verdict

    document = Client(place).status(service)
    found = document["services"][0]
    goal = _goal(place, document["listen"], found, path)
    verdict = Verdict.of(found, goal, ask(goal, requests, min(connections, requests)))
    if as_json:
        click.echo(json.dumps(verdict.as_json()))
    else:
        verdict.show()
    return int(verdict.failed > 0)


def _goal(place: Place, listen: list[str], service: ServiceDoc, path: str | None) -> Goal:
    from fairlead.cli.trial import Goal

    if not listen:
        raise DaemonError("nginx does not listen: see fairlead status")
    if not service["routes"]:
        raise BadInput(f"service {service['name']} has no route: nothing leads to it")
    address, port = reachable(listen[0])
    host, route_path = split_route(_plainest(service["routes"]))
    wanted = path or (service.get("health_path") if route_path == "/" else "") or route_path
    if not (wanted.startswith("/") and wanted.isascii() and wanted.isprintable()):
        raise BadInput(f"{wanted!r} is no path: it must begin with / and be plain ASCII")
    if " " in wanted:
        raise BadInput(f"{wanted!r} is no path: write a space as %20")
    return Goal(address, port, host, wanted, _token(place))


def _plainest(routes: list[str]) -> str:
    """The first that is a host alone: there the endpoint sees the path that was asked for."""
    return next((route for route in routes if "/" not in route), routes[0])


def reachable(listen: str) -> tuple[str, int]:
    """An address to connect to: a wildcard address is reached by loopback."""
    address, port = split_listen(listen)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address), port  # noqa: S104


def split_listen(listen: str) -> tuple[str, int]:
    """`[::1]:8080` is `::1` and 8080."""
    address, _, port = listen.rpartition(":")
    return address.strip("[]"), int(port)


def split_route(route: str) -> tuple[str, str]:
    """A host that the route matches, and the route's path."""
    host, slash, path = route.partition("/")
    host = "fairlead.localhost" if host == "*" else host.replace("*", "fairlead", 1)
    return host, slash + path or "/"


def _token(place: Place) -> str:
    file = place.state / "nginx" / "trace-token"
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        message = f"cannot read {file}, without which nginx names no endpoints: {error}"
        raise DaemonError(message) from error
