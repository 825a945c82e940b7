"""What-if as a picture of text: a box a node, the names that lead there, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from fairlead.cli.text import count, printable
from fairlead.cli.whatif_words import (
    NAMED,
    counted,
    percent,
    places,
    port_of,
    sent_to,
    share_of,
    shares,
    waiting,
    ways_in,
    worst,
)
from fairlead.core.ecs.model import Instance
from fairlead.core.ecs.placement import MORE
from fairlead.core.whatif.deploy import Deploy
from fairlead.core.whatif.follow import BALANCER, Flow
from fairlead.core.whatif.loss import Loss
from fairlead.core.whatif.predict import Prediction

_NARROW = 40
"""Columns that a box has at least, where there is room."""
_NAMED = 4
"""So many names are listed."""


def lines(found: Prediction, with_fairlead: Prediction | None, width: int) -> Iterator[str]:
    """Every line is at most so wide."""
    yield from _wrapped(_title(found), width)
    yield ""
    yield from _picture(found, width)
    for title, told in _sections(found, with_fairlead):
        if told:
            yield ""
            yield title
            for each in told:
                yield from _wrapped(each, width, "  ")


def _title(found: Prediction) -> str:
    model = found.model
    asked = ", ".join(counted(model, name) for name in model.asked)
    kinds = {dict(n.attributes).get("ecs.instance-type", "") for n in model.nodes} - {""}
    of = f" of {', '.join(sorted(kinds))}" if kinds else ""
    where = f"{count(len(model.nodes), 'node')}{of}" if model.nodes else "no nodes"
    if not model.nodes and all(model.service(name).fargate for name in model.asked):
        where = "Fargate"
    return f"{asked}, on {where}"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A number stays on the line of its sign."""
    whole = printable(text).replace(" %", "\N{NO-BREAK SPACE}%")
    found = wrap(
        whole, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
    return [each.replace("\N{NO-BREAK SPACE}", " ") for each in found]


def _picture(found: Prediction, width: int) -> Iterator[str]:
    there = places(found.model, found.scene)
    if not there:
        return
    across = max(1, min(len(there), (width + 1) // (_NARROW + 1)))
    wide = min(72, (width + 1) // across - 1)
    boxes = [_box(found, name, node, wide) for name, node in there]
    for start in range(0, len(boxes), across):
        row = zip_longest(*boxes[start : start + across], fillvalue=" " * wide)
        yield from (" ".join(parts).rstrip() for parts in row)


def _box(found: Prediction, name: str, node: Instance | None, wide: int) -> list[str]:
    inside = [*_proxies(found, name, node), *_tasks(found, name)]
    room = wide - 4
    rows = [f"│ {_cut(each, room):<{room}} │" for each in inside or ["(empty)"]]
    head = f"┌─ {_cut(name, room - 2)} "
    return [
        f"{head}{'─' * (wide - len(head) - 1)}┐",
        *rows,
        f"└{'─' * (wide - 2)}┘",
        *(f"{_cut(each, wide):<{wide}}" for each in _names(found, name)),
    ]


def _proxies(found: Prediction, name: str, node: Instance | None) -> Iterator[str]:
    if node is None:
        return
    for flow in ways_in(found.model, found.flows):
        if flow.way.targets and any(entry.at == name for entry in flow.entries):
            yield f"proxy: {flow.way.host} → {sent_to(flow.way)}"


def _tasks(found: Prediction, name: str) -> Iterator[str]:
    for task in found.scene.tasks:
        if task.node == name:
            share = share_of(found.flows, task)
            told = "" if share is None else percent(share) if share else "0 %, unreached"
            port = port_of(found.model, task)
            yield "  ".join(filter(None, (task.name, port, told)))
    for each in waiting(found.scene, name):
        yield f"✗ {each.count} of {each.service} pending: {each.told}"


def _names(found: Prediction, name: str) -> Iterator[str]:
    for flow in ways_in(found.model, found.flows):
        own = found.scene.of(flow.way.service)
        for entry in flow.entries:
            if entry.at == name and entry.share:
                yield f"   ▲ {flow.way.host} {percent(entry.share)}"
            elif entry.at == BALANCER and any(t.node == name for t in own):
                yield f"   ▲ {flow.way.host}, a load balancer"


def _cut(text: str, room: int) -> str:
    plain = printable(text)
    return plain if len(plain) <= room else f"{plain[: room - 1]}…"


def _sections(
    found: Prediction, with_fairlead: Prediction | None
) -> Iterator[tuple[str, list[str]]]:
    model = found.model
    yield "Pending", [f"{p.count} of {p.service}: {p.message}" for p in found.scene.pending]
    yield "Unreached", [f"{u.task} on {u.node}: {u.why}" for u in found.unreached]
    yield "Requests", [_flow(found, flow) for flow in ways_in(model, found.flows)]
    yield "Losses", _losses(found)
    yield "Deploys", [_deploy(each) for each in found.deploys]
    yield "ECS may also place them otherwise", _others(found)
    if with_fairlead:
        yield "With fairlead (dynamic ports)", list(_in_short(with_fairlead))
    yield "Taken for granted", list(model.assumed)


def _flow(found: Prediction, flow: Flow) -> str:
    way = flow.way
    told = f"{way.host} ({NAMED[way.naming]}): {shares(found.scene, flow) or 'nobody answers'}"
    return f"{told}; {_failing(flow)}"


def _failing(flow: Flow) -> str:
    unknown = f", of {percent(flow.unknown)} it is unknown" if flow.unknown else ""
    told = f"{percent(flow.failing)} fail{unknown}"
    if not flow.reasons or not (flow.failing or flow.unknown):
        return told
    more = f"; and {len(flow.reasons) - _NAMED} more" if len(flow.reasons) > _NAMED else ""
    return f"{told}: {'; '.join(flow.reasons[:_NAMED])}{more}"


def _losses(found: Prediction) -> list[str]:
    """Those that come to the same are told together."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in found.losses:
        for service, told in _loss(found.model.asked, each):
            alike.setdefault((each.kind, service, told), []).append(each.what)
    return [
        f"{kind} {_listed(names)}, requests to {service}: {told}"
        for (kind, service, told), names in alike.items()
    ]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{' or '.join(names[:_NAMED])}{more}"


def _loss(asked: Sequence[str], loss: Loss) -> Iterator[tuple[str, str]]:
    """By service: what it does."""
    for service in asked:
        first, then = worst(loss.before, service), worst(loss.after, service)
        if first is None or then is None:
            continue
        pending = sum(p.count for p in loss.pending if p.service == service)
        short = f", {pending} of {service} pending" if pending else ""
        yield service, f"at first {_failing(first)}; once noticed {_failing(then)}{short}"


def _deploy(deploy: Deploy) -> str:
    if not deploy.stages:
        return f"{deploy.service}: nothing runs that a deploy would replace"
    led = any(f.way.service == deploy.service for s in deploy.stages for f in s.flows)
    fail = f", at most {percent(deploy.failing)} of requests fail" if led else ""
    least = f"at least {deploy.least} up{fail}"
    if deploy.completes:
        return f"{deploy.service}: comes to its end in {_steps(deploy)}; {least}"
    waits = next((stage.waits for stage in reversed(deploy.stages) if stage.waits), "")
    return f"{deploy.service}: never comes to its end: {waits.removesuffix(MORE)} Meanwhile {least}"


def _steps(deploy: Deploy) -> str:
    return count(len(deploy.stages), "step")


def _others(found: Prediction) -> list[str]:
    """Only where another placement comes out differently."""
    told = (_outcome(found, number) for number in range(len(found.outcomes)))
    first, *others = list(told)
    return [f"so: {each}" for each in dict.fromkeys(others) if each != first]


def _outcome(found: Prediction, number: int) -> str:
    outcome = found.outcomes[number]
    waiting = sum(outcome.scene.missing.get(name, 0) for name in found.model.asked)
    flows = ways_in(found.model, outcome.flows)
    failing = max((flow.failing for flow in flows), default=0.0)
    placed = sorted(
        f"{len({t.node for t in outcome.scene.of(n)})} of the nodes with {n}"
        for n in found.model.asked
    )
    return f"{', '.join(placed)}; {waiting} pending, at most {percent(failing)} of requests fail"


def _in_short(found: Prediction) -> Iterator[str]:
    model = found.model
    for flow in ways_in(model, found.flows):
        yield f"{flow.way.host}: {shares(found.scene, flow)}; {_failing(flow)}"
    if pending := sum(found.scene.missing.get(name, 0) for name in model.asked):
        yield f"{pending} pending: {found.scene.pending[0].message}"
    nodes = [loss for loss in found.losses if loss.kind == "node"]
    flows = [f for loss in nodes for s in model.asked if (f := worst(loss.after, s))]
    if flows:
        most = max(flow.failing for flow in flows)
        yield f"after the loss of a node, once DNS knows: at most {percent(most)} fail"
