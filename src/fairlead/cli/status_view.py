"""The status document as people read it: services, and under each its endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from rich.console import Group
from rich.table import Table
from rich.text import Text

from fairlead.api.document import (
    AgentDoc,
    ApiDoc,
    EndpointDoc,
    FollowedDoc,
    NodeDoc,
    ServiceDoc,
    StatusDoc,
)
from fairlead.api.scaling_document import ScaledDoc
from fairlead.cli.text import age, count, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

STATE_STYLES = {
    "ready": "green",
    "starting": "cyan",
    "unhealthy": "red",
    "draining": "blue",
    "stopped": "dim",
}
COLUMNS: Mapping[str, Callable[[EndpointDoc, float], str]] = {
    "ENDPOINT": lambda e, _: printable(e["id"]),
    "STATE": lambda e, _: printable(e["state"]),
    "ADDRESS": lambda e, _: printable(f"{e['address']}:{e['port']}"),
    "PID": lambda e, _: str(e["pid"] or "-"),
    "CPU": lambda e, _: f"{e['cpu']:.0%}" if "cpu" in e else "-",
    "MEMORY": lambda e, _: f"{e['memory'] / (1 << 20):.0f} MiB" if "memory" in e else "-",
    "IN FLIGHT": lambda e, _: str(e["in_flight"]),
    "REQUESTS": lambda e, _: str(e["requests"]),
    "FAILURES": lambda e, _: str(e["failures"]),
    "FOR": lambda e, now: age(now - e["since"]),
    "": lambda e, _: printable(e.get("reason") or ""),
}
LEFT = frozenset({"ENDPOINT", "STATE", "ADDRESS", ""})
SHOWN_NODES = 8


def view(document: StatusDoc, now: float) -> Group:
    """`now` is seconds since the epoch."""
    services = document["services"]
    names = _columns(services)
    rows = [
        [[COLUMNS[name](e, now) for name in names] for e in service["endpoints"]]
        for service in services
    ]
    widths = dict(zip(names, _widths(names, [row for each in rows for row in each]), strict=True))
    parts: list[RenderableType] = [_headline(document)]
    if api := document.get("api"):
        parts += [_api(api), *_room(document["nodes"])]
    if "agents" in document:
        parts += _agents(document["agents"])
    if followed := document.get("controller"):
        parts.append(_followed(followed))
    with_header = True
    for service, of_service in zip(services, rows, strict=True):
        parts += [Text(), *_service(service)]
        if of_service:
            parts.append(_table(of_service, widths, with_header=with_header))
            with_header = False
    return Group(*parts)


def _headline(document: StatusDoc) -> Text:
    line = Text(printable(document["cluster"]), style="bold")
    line.append(_proxy(document), style="not bold")
    for node in document["nodes"]:
        if node["state"] != "ready":
            line.append(f"  node {printable(node['id'])} is {printable(node['state'])}", "red")
    return line


def _proxy(document: StatusDoc) -> str:
    proxy = document["proxy"]
    if proxy["kind"] == "fleet":
        return f"  controller, generation {proxy['generation']}"
    listen, pid = printable(", ".join(document["listen"])), proxy["pid"] or "none"
    reloads = count(proxy["reloads"], "reload")
    kind = printable(proxy["kind"])
    return f"  {listen}  {kind} pid {pid}, generation {proxy['generation']}, {reloads}"


def _api(api: ApiDoc) -> Text:
    line = Text(f"API  {api['per_second']:.1f} calls a second, at most {api['bound']:.3g}")
    if api["throttled"]:
        line.append(f", {api['throttled']} throttled", "yellow")
    events = api.get("events")
    if events is None:
        line.append("; no queue of events, the cluster is polled")
    elif events["problem"]:
        line.append(f"; no events: {printable(events['problem'])}", "yellow")
    else:
        line.append(f"; {count(events['received'], 'event')} heard")
    return line


def _agents(agents: Sequence[AgentDoc]) -> Iterator[Text]:
    """How many nodes serve, and each that does not."""
    serving = sum(agent["state"] == "serves" for agent in agents)
    style = "green" if agents and serving == len(agents) else "yellow"
    yield Text(f"{serving} of {count(len(agents), 'agent')} serve", style)
    for agent in agents:
        if agent["state"] != "serves":
            why = f": {agent['problem']}" if agent["problem"] else ""
            line = f"  ! {agent['node']} is {agent['state']}{why}"
            yield Text(printable(line), style="yellow")


def _followed(followed: FollowedDoc) -> Text:
    if followed["problem"]:
        return Text(f"! no controller: {printable(followed['problem'])}", style="yellow")
    return Text(f"follows {printable(followed['url'])}, generation {followed['generation']}")


def _room(nodes: Sequence[NodeDoc]) -> Iterator[Text]:
    """What may still be placed where, of as many nodes as one likes to read of."""
    known = [node for node in nodes if "cpu" in node and "memory" in node]
    for node in known[:SHOWN_NODES]:
        place = f"node {printable(node['id'])}  {printable(node['address'])}"
        yield Text(f"{place}  {node['cpu']} CPU units and {node['memory']} MiB left")
    if more := known[SHOWN_NODES:]:
        yield Text(f"and {count(len(more), 'node')} more (--json has them all)")


def _service(service: ServiceDoc) -> Iterator[Text]:
    short = service["ready"] < service["desired"]
    line = Text(printable(service["name"]), style="bold")
    ready = f"  {service['ready']} of {service['desired']} ready"
    line.append(ready, style="not bold yellow" if short else "not bold green")
    if service.get("asleep"):
        line.append("  asleep", style="not bold blue")
    if service["strategy"] == "fixed":
        line.append("  fixed endpoints", style="not bold")
    for route in service["routes"]:
        line.append(f"  {printable(route)}", style="not bold dim")
    yield line
    if scale := service.get("scale"):
        yield _scale(scale)
    if problem := service.get("problem"):
        yield Text(f"  ! {printable(problem)}", style="yellow")


def _scale(scale: ScaledDoc) -> Text:
    """Bounds, what is wanted and why, in a line; why nothing is changed instead, when paused."""
    line = Text(f"  {scale['min']}-{scale['max']}")
    if scale["paused"]:
        line.append(f"  scaler paused: {printable(scale['paused'])}", "yellow")
        return line
    wanted = "-" if scale["wanted"] is None else str(scale["wanted"])
    line.append(f"  wants {wanted}  ")
    line.append(printable(scale["why"]), "dim")
    if scale["missing"]:
        line.append(f"  {scale['missing']} find no place", "yellow")
    return line


def _columns(services: Sequence[ServiceDoc]) -> list[str]:
    """Those of which something is known."""
    keys = {key for service in services for e in service["endpoints"] for key in e}
    unknown = {"CPU", "MEMORY"} if "memory" not in keys else set()
    return [name for name in COLUMNS if name not in unknown]


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(names, *rows, strict=True)]


def _table(rows: Sequence[Sequence[str]], widths: Mapping[str, int], *, with_header: bool) -> Table:
    """`widths` of the columns, by name, in their order."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.show_header = with_header
    table.add_column("", min_width=0)
    for name, width in widths.items():
        side: Literal["left", "right"] = "left" if name in LEFT else "right"
        table.add_column(name, min_width=width if name else None, no_wrap=bool(name), justify=side)
    for row in rows:
        cells = [Text(cell) for cell in row]  # a str could be read as markup
        cells[1].style = STATE_STYLES.get(row[1], "")
        table.add_row("", *cells)
    return table
