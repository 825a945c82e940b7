"""fairlead scale --explain: what the scaler thinks of a service, metric by metric, and why."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fairlead.cli.place import Place
from fairlead.cli.text import printable

if TYPE_CHECKING:
    from fairlead.api.scaling_document import ChangeDoc, OpinionDoc, ScalingDoc


def show(place: Place, service: str, *, as_json: bool) -> None:
    """DaemonError when the service has not been looked at yet: the daemon has just begun."""
    from fairlead.cli.client import Client
    from fairlead.core.errors import DaemonError

    found = Client(place).scaling(service)
    if not found:
        raise DaemonError(f"{service} has not been looked at yet: ask again in some seconds")
    if as_json:
        click.echo(json.dumps(found[0]))
        return
    for line in lines(found[0]):
        click.echo(printable(line))


def lines(of: ScalingDoc) -> Iterator[str]:
    yield f"{of['service']}  {of['min']}-{of['max']}{_schedule(of)}  {_counts(of)}"
    if of["block"]:
        yield f"  nothing is changed: {of['block']}"
    yield f"  {answer(of)}"
    yield from (f"  held by {held}" for held in of["held"])
    if of["missing"]:
        yield f"  {of['missing']} more than find a place: {of['limit'] or 'the cluster is full'}"
    yield from _load(of)
    yield from (_opinion(each, of) for each in of["opinions"])
    yield from (f"  {metric} is not known: {why}" for metric, why in of["gaps"].items())
    yield f"  {_start(of)}"
    yield from (_change(change) for change in of["changes"])


def answer(of: ScalingDoc) -> str:
    if of["count"] is None:
        return "no answer yet"
    held = "" if of["desired"] == of["count"] else f" ({of['desired']} before what holds it back)"
    return f"wants {of['count']}{held}: {of['why']}"


def _counts(of: ScalingDoc) -> str:
    return f"{of['replicas']} asked for, {of['ready']} ready, {of['starting']} starting"


def _schedule(of: ScalingDoc) -> str:
    return f" by the schedule {of['schedule']}" if of["schedule"] else ""


def _load(of: ScalingDoc) -> Iterator[str]:
    load = of.get("load")
    if load is None:
        return
    yield (
        f"  load: {load['rate']:.4g} requests/s, {load['in_flight']:g} in flight, "
        f"{load['held']:g} held, {load['slow']:.4g} slow/s, {load['failed']:.4g} failed/s, "
        f"{load['age']:.0f} s ago"
    )


def _opinion(opinion: OpinionDoc, of: ScalingDoc) -> str:
    value = "unknown" if opinion["value"] is None else f"{opinion['value']:.4g}"
    reading = of["readings"].get(opinion["metric"])
    age = f", {reading['age']:.0f} s ago" if reading else ""
    asks = "has no say" if opinion["count"] is None else f"asks for {opinion['count']}"
    why = f" ({opinion['why']})" if opinion["why"] else ""
    return f"  {opinion['metric']}: {value}{age}, target {opinion['target']:.4g}: {asks}{why}"


def _start(of: ScalingDoc) -> str:
    if not of["start_time"]:
        return "no start has been seen yet"
    return f"a start takes {of['start_time']:.1f} s"


def _change(change: ChangeDoc) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(change["at"]))
    would = "" if change["done"] else " would be"
    return f"  {at} {change['before']} -> {change['after']}{would}: {change['why']}"
