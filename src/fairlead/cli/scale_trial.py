"""fairlead scale --dry-run: what the scaler would do, on the metrics of now, without doing it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place
from fairlead.cli.scale_view import answer
from fairlead.cli.text import printable
from fairlead.core.errors import BadInput

if TYPE_CHECKING:
    from fairlead.api.document import ServiceDoc
    from fairlead.api.scaling_document import ScalingDoc

PAUSE = 1.0


def trial(place: Place, service: str, span: float | None, *, as_json: bool) -> None:
    """A line for each service at first, and for each answer that is another one. Services without
    a scale section are tried by the default policy. BadInput when there is nothing to scale."""
    from fairlead.cli.client import Client

    client, begin = Client(place), time.monotonic()
    _refuse_unscalable(client.status(service)["services"])
    said: dict[str, object] = {}
    while True:
        for found in client.scaling(service, trial=True):
            if _is_news(found, said):
                _say(found, as_json=as_json)
        left = float("inf") if span is None else begin + span - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(PAUSE, left))


def _refuse_unscalable(services: Sequence[ServiceDoc]) -> None:
    if all(service["strategy"] == "fixed" for service in services):
        raise BadInput("these are fixed endpoints, which fairlead neither starts nor stops")


def _is_news(found: ScalingDoc, said: dict[str, object]) -> bool:
    """Whether another count is wanted than was said, or another one asked for."""
    told = (found["replicas"], found["count"], found["desired"], bool(found["paused"]))
    news = said.get(found["service"]) != told
    said[found["service"]] = told
    return news


def _say(found: ScalingDoc, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found))
    else:
        at = time.strftime("%H:%M:%S")
        click.echo(printable(f"{at}  {found['service']}: {_told(found)}"))
    sys.stdout.flush()


def _told(found: ScalingDoc) -> str:
    if found["count"] is None:
        return f"no answer yet{': ' if found['block'] else ''}{found['block']}"
    bounds = f"{found['min']}-{found['max']}"
    default = ", by default settings" if found["trial"] else ""
    same = "stays" if found["count"] == found["replicas"] else f"-> {found['count']}"
    return f"{found['replicas']} {same} (of {bounds}{default}); {answer(found)}"
