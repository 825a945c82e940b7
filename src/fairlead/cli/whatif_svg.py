"""What-if as an SVG picture: names above, nodes below them, their tasks inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from xml.sax.saxutils import escape, quoteattr

from fairlead.cli.text import printable
from fairlead.cli.whatif_words import (
    NAMED,
    counted,
    percent,
    places,
    port_of,
    sent_to,
    share_of,
    waiting,
    ways_in,
    worst,
)
from fairlead.core.ecs.model import Instance
from fairlead.core.whatif.follow import BALANCER, Flow
from fairlead.core.whatif.predict import Prediction
from fairlead.core.whatif.scene import Pending, Placed

_WIDE, _GAP, _ACROSS = 320, 24, 4
_NAME, _TASK, _LINE = 46, 40, 17
_SHORT = 42
"""Letters of the font that fit into a node."""
_COLOURS = {"good": "#2e7d32", "bad": "#c62828", "idle": "#6b7280", "ink": "#1f2937"}
_FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True, slots=True)
class _Cell:
    """A node's box: where its upper left corner is, and how high it is."""

    name: str
    node: Instance | None
    x: int
    y: int
    high: int


def svg(found: Prediction) -> str:
    """A whole document; all text in it is escaped."""
    flows = ways_in(found.model, found.flows)
    names = [_spot(number) for number in range(len(flows))]
    top = max([56, *(y + _NAME for _, y in names)]) + 64
    cells = _cells(found, top)
    width = max([700, *(c.x + _WIDE + _GAP for c in cells), *(x + _WIDE + _GAP for x, _ in names)])
    below = max([top, *(cell.y + cell.high for cell in cells)]) + 30
    notes = list(_notes(found, width))
    parts = [
        _text((_GAP, 32), _title(found), size=18, weight="bold"),
        *_lines(found, flows, names, cells),
        *(part for flow, spot in zip(flows, names, strict=True) for part in _name(flow, spot)),
        *(part for cell in cells for part in _box(found, cell)),
        *(_text((_GAP, below + n * _LINE), t, colour=c) for n, (t, c) in enumerate(notes)),
    ]
    return _document(_title(found), width, below + len(notes) * _LINE + 16, parts)


def _spot(number: int) -> tuple[int, int]:
    """Where the box of a name is."""
    return _GAP + number % _ACROSS * (_WIDE + _GAP), 52 + number // _ACROSS * (_NAME + 12)


def _document(title: str, width: int, high: int, parts: list[str]) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{high}'"
        f" viewBox='0 0 {width} {high}' {_FONT} font-size='13' role='img'"
        f" aria-label={quoteattr(printable(title))}>"
    )
    back = "<rect width='100%' height='100%' fill='#ffffff'/>"
    return "\n".join([head, back, *parts, "</svg>\n"])


def _title(found: Prediction) -> str:
    model = found.model
    return ", ".join(counted(model, name) for name in model.asked)


def _cells(found: Prediction, top: int) -> list[_Cell]:
    """Rows of boxes, each row as high as its highest."""
    cells: list[_Cell] = []
    there = places(found.model, found.scene)
    y = top
    for start in range(0, len(there), _ACROSS):
        row = there[start : start + _ACROSS]
        high = max(_height(found, name) for name, _ in row)
        for n, (name, node) in enumerate(row):
            cells.append(_Cell(name, node, _GAP + n * (_WIDE + _GAP), y, high))
        y += high + _GAP
    return cells


def _height(found: Prediction, name: str) -> int:
    tasks = sum(task.node == name for task in found.scene.tasks)
    tasks += len(waiting(found.scene, name))
    return 36 + len(_proxied(found, name)) * _LINE + 10 + max(1, tasks) * (_TASK + 8)


def _proxied(found: Prediction, name: str) -> list[str]:
    """What comes in at the node, and where its proxy sends it."""
    told: list[str] = []
    for flow in ways_in(found.model, found.flows):
        for entry in flow.entries:
            if entry.at == name:
                told += [f"▼ {flow.way.host} {percent(entry.share)}"]
                told += [f"proxy → {sent_to(flow.way)}"] if flow.way.targets else []
    return told


def _box(found: Prediction, cell: _Cell) -> Iterator[str]:
    yield _rect(cell.x, cell.y, _WIDE, cell.high, fill="#f3f4f6", stroke="#9ca3af")
    kind = dict(cell.node.attributes).get("ecs.instance-type", "") if cell.node else ""
    title = f"{cell.name}  {kind}".strip()
    yield _text((cell.x + 12, cell.y + 23), _cut(title), weight="bold")
    y = cell.y + 42
    for told in _proxied(found, cell.name):
        yield _text((cell.x + 12, y), _cut(told), colour="idle", size=12)
        y += _LINE
    for task in (task for task in found.scene.tasks if task.node == cell.name):
        yield from _task(found, task, cell.x + 12, y)
        y += _TASK + 8
    for pending in waiting(found.scene, cell.name):
        yield from _pending(pending, cell.x + 12, y)
        y += _TASK + 8


def _pending(pending: Pending, x: int, y: int) -> Iterator[str]:
    """At the node that is nearest to taking it."""
    wide = _WIDE - 24
    yield _rect(x, y, wide, _TASK, fill="#fef2f2", stroke=_COLOURS["bad"])
    told = f"{pending.count} of {pending.service} pending"
    yield _text((x + 10, y + 17), _cut(told, 38), weight="bold", colour="bad")
    yield _text((x + 10, y + 33), _cut(pending.told, 42), colour="idle", size=12)


def _task(found: Prediction, task: Placed, x: int, y: int) -> Iterator[str]:
    share = share_of(found.flows, task)
    colour = "idle" if share is None else "good" if share else "bad"
    told = "" if share is None else percent(share) if share else "0 %: unreached"
    wide = _WIDE - 24
    yield _rect(x, y, wide, _TASK, fill="#ffffff", stroke=_COLOURS[colour])
    yield _text((x + 10, y + 17), _cut(task.name, 26), weight="bold")
    yield _text((x + 10, y + 33), port_of(found.model, task), colour="idle", size=12)
    yield _text((x + wide - 10, y + 25), told, colour=colour, anchor="end")


def _name(flow: Flow, spot: tuple[int, int]) -> Iterator[str]:
    x, y = spot
    colour = "bad" if flow.failing else "good"
    yield _rect(x, y, _WIDE, _NAME, fill="#e0f2fe", stroke="#0369a1")
    yield _text((x + 12, y + 19), _cut(flow.way.host, 30), weight="bold")
    yield _text((x + 12, y + 37), NAMED[flow.way.naming], colour="idle", size=12)
    told = f"{percent(flow.failing)} fail"
    yield _text((x + _WIDE - 12, y + 19), told, colour=colour, anchor="end")


def _lines(
    found: Prediction, flows: list[Flow], names: list[tuple[int, int]], cells: list[_Cell]
) -> Iterator[str]:
    """From names to nodes, where both are one row: else they would cross what is between."""
    if max(len(flows), len(cells)) > _ACROSS:
        return
    for flow, (x, y) in zip(flows, names, strict=True):
        for cell in cells:
            if _leads(found, flow, cell.name):
                start, end = x + _WIDE // 2, cell.x + _WIDE // 2
                yield (
                    f"<line x1='{start}' y1='{y + _NAME}' x2='{end}' y2='{cell.y}'"
                    " stroke='#0369a1' stroke-width='1.5'/>"
                )
                yield f"<circle cx='{end}' cy='{cell.y - 4}' r='4' fill='#0369a1'/>"


def _leads(found: Prediction, flow: Flow, name: str) -> bool:
    """A load balancer leads to the nodes with tasks."""
    there = any(task.node == name for task in found.scene.of(flow.way.service))
    at = BALANCER if there else ""
    return any(e.share > 0 and e.at in (name, at) for e in flow.entries)


def _notes(found: Prediction, width: int) -> Iterator[tuple[str, str]]:
    """Lines, and the colour of each."""
    for told, colour in _told(found):
        for line in wrap(printable(told), (width - 2 * _GAP) // 7):
            yield line, colour


def _told(found: Prediction) -> Iterator[tuple[str, str]]:
    for each in found.scene.pending:
        yield f"{each.count} of {each.service} pending: {each.message}", "bad"
    for task in found.unreached:
        yield f"{task.task} on {task.node} is unreached: {task.why}", "bad"
    for loss in found.losses:
        for service in found.model.asked if loss.kind == "node" else ():
            first, then = worst(loss.before, service), worst(loss.after, service)
            if first and then:
                told = f"{percent(first.failing)} fail, once noticed {percent(then.failing)}"
                yield f"loss of {loss.what}: of {service} {told}", "ink"


def _cut(text: str, room: int = _SHORT) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _rect(x: int, y: int, wide: int, high: int, *, fill: str, stroke: str) -> str:
    return (
        f"<rect x='{x}' y='{y}' width='{wide}' height='{high}' rx='6' fill='{fill}'"
        f" stroke='{stroke}' stroke-width='1.5'/>"
    )


def _text(
    at: tuple[int, int],
    text: str,
    *,
    size: int = 13,
    weight: str = "normal",
    colour: str = "ink",
    anchor: str = "start",
) -> str:
    return (
        f"<text x='{at[0]}' y='{at[1]}' font-size='{size}' font-weight='{weight}'"
        f" fill='{_COLOURS[colour]}' text-anchor='{anchor}'>{escape(printable(text))}</text>"
    )
