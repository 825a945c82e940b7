"""Counts that two of them set: a file, and whatever scales."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairlead.core.doctor.finding import WARNING, Finding, Said, first
from fairlead.core.setup import Call, ServiceSetup, Setup

_VARIABLE = re.compile(r"\$\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|<[^>]+>")


def desired_count_drift(setup: Setup) -> Said:
    for service in setup.services:
        if service.kind != "ecs" or service.daemon or service.ignored or not _kept(setup, service):
            continue
        call = next(_changes(setup, service), None)
        if service.scaled or call:
            yield _drift(service, call)


def _kept(setup: Setup, service: ServiceSetup) -> bool:
    """A count that is set again each time that the file is applied."""
    said = service.desired.value is not None or service.desired.unknown
    file = service.at.file
    template = any("AWS::ECS::Service" in line for line in setup.texts.get(file, ()))
    return bool(said) and (file.endswith((".tf", ".tf.json")) or template)


def _changes(setup: Setup, service: ServiceSetup) -> Iterator[Call]:
    for call in setup.calls:
        if (call.service, call.operation) != ("ecs", "update-service"):
            continue
        if call.options.get("desired-count") is None or _tears_down(setup, call):
            continue
        given = call.options.get("service", "")
        if _matches(given, service.name) or _short(setup, given, service.name):
            yield call


def _tears_down(setup: Setup, call: Call) -> bool:
    """It is scaled down to be deleted."""
    return call.options["desired-count"] == "0" and any(
        other.operation in ("delete-service", "delete-cluster") and other.at.file == call.at.file
        for other in setup.calls
    )


def _matches(given: str, name: str) -> bool:
    """What is known of both fits: parts that are variables may be anything."""
    given = given.rpartition("/")[2] if "/" in given and "$" not in given else given
    if not given or not re.search(r"\w", _VARIABLE.sub("", name)):
        return False
    return bool(re.fullmatch(_pattern(given), name) or re.fullmatch(_pattern(name), given))


def _short(setup: Setup, given: str, name: str) -> bool:
    """`catalog` for shop-catalog, where nothing is called just that."""
    exact = any(service.name == given for service in setup.services)
    return bool(given) and not exact and name.endswith(f"-{given}")


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in _VARIABLE.split(text))


def _drift(service: ServiceSetup, call: Call | None) -> Finding:
    count = service.desired.value
    who = f"{call.at} sets it too" if call else "autoscaling sets it too"
    origin = (*service.desired.origin, *((call.at,) if call else ()))
    return Finding(
        "desired-count-drift",
        WARNING,
        first(service.desired.origin, service.at),
        service.name,
        f"the count of {service.name} is set here{f' ({count})' if count is not None else ''}, and"
        f" {who}",
        "The next time that this file is applied, the copies that were added are stopped again.",
        "add lifecycle { ignore_changes = [desired_count] }, or leave the count out",
        "desired",
        origin,
        old="desired_count" if service.at.file.endswith(".tf") else "",
    )
