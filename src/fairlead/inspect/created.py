"""Services that a script creates: `aws ecs create-service`, with options in the CLI's shorthand
(https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html) or in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import At, Call, Fact, ServiceSetup, Setup, Target

_MEMBER = r"\b{}[\"']?\s*[=:]\s*[\"']?([^\"',}}\]\s]+)"
MOST_LINES = 40  # of one call
_MORE = re.compile(r"\s\$\{?\w+(\[@\])?\}?$")
_DISCOVERY = ("service-registries", "service-connect-configuration")


def with_created(setup: Setup) -> Setup:
    """With the services that its scripts create, but for those that its files describe too."""
    known = {service.name for service in setup.services}
    made: dict[tuple[str, str], ServiceSetup] = {}
    for call in setup.calls:
        if (call.service, call.operation) == ("ecs", "create-service") and _whole(call):
            service = _service(setup, call)
            if service.name not in known - {""}:
                made.setdefault((service.name, call.options["task-definition"]), service)
    return replace(setup, services=(*setup.services, *made.values()))


def _whole(call: Call) -> bool:
    """What comes from a document is read there."""
    return "cli-input-json" not in call.options and "task-definition" in call.options


def _service(setup: Setup, call: Call) -> ServiceSetup:
    options, at = call.options, call.at
    placed = options.get("placement-constraints", "")
    return ServiceSetup(
        _known(options.get("service-name", "")),
        "ecs",
        _task(setup, options["task-definition"]),
        _known(options.get("cluster", "default").rpartition("cluster/")[2]),
        _number(options.get("desired-count", ""), _line(setup, at, "desired-count")),
        _launch(call),
        options.get("scheduling-strategy") == "DAEMON",
        _percent(setup, call, "minimumHealthyPercent"),
        _percent(setup, call, "maximumPercent"),
        tuple(_targets(call)),
        distinct="distinctInstance" in placed,
        discovered=any(name in options for name in _DISCOVERY),
        key=f"{at}#{options.get('service-name', '')}",
        at=at,
        constraints=(placed,) if "memberOf" in placed or "$" in placed else (),
    )


def _line(setup: Setup, at: At, word: str) -> At:
    """The line of the call that has this word, else its first one."""
    lines = setup.texts.get(at.file, ())[max(0, at.line - 1) :][:MOST_LINES]
    return next((At(at.file, at.line + n) for n, line in enumerate(lines) if word in line), at)


def _known(text: str) -> str:
    return "" if "$" in text else text


def _task(setup: Setup, named: str) -> str:
    """The key of the one with that family."""
    family = named.rpartition("/")[2].partition(":")[0]
    found = {task.key for task in setup.tasks if family and task.family == family}
    return found.pop() if len(found) == 1 else ""


def _member(text: str, name: str) -> str:
    found = re.search(_MEMBER.format(name), text)
    return found[1] if found else "$" if "$" in text and "=" not in text and ":" not in text else ""


def _number(text: str, at: At) -> Fact[int]:
    if not text:
        return Fact()
    if text.isdecimal() and len(text) < 10:
        return Fact(int(text), (at,))
    return Fact(None, (at,), f"{text} is not known before the script runs")


def _percent(setup: Setup, call: Call, name: str) -> Fact[int]:
    text = _member(call.options.get("deployment-configuration", ""), name)
    return _number(text, _line(setup, call.at, name))


def _launch(call: Call) -> Fact[str]:
    said = call.options.get("launch-type", "")
    provider = _member(call.options.get("capacity-provider-strategy", ""), "capacityProvider")
    if not said and provider:
        said = provider if "$" in provider else "FARGATE" if "FARGATE" in provider else "EC2"
    if "$" in said:
        return Fact(None, (call.at,), f"{said} is not known before the script runs")
    return Fact(said.upper(), (call.at,)) if said else Fact()


def _targets(call: Call) -> Iterator[Target]:
    """Options that a variable brings along may have one too: it is then behind one, for all that
    is known."""
    text = call.options.get("load-balancers", "")
    if not text and any(_MORE.search(value) for value in call.options.values()):
        text = "$"
    if text not in ("", "[]"):
        port = _number(_member(text, "containerPort"), call.at)
        yield Target("", _known(_member(text, "containerName")), port, call.at)
