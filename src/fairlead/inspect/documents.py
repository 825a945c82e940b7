"""YAML and JSON documents that set something up, told apart by what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable

from fairlead.core.setup import Setup, merged
from fairlead.inspect.cloudformation import is_template, read_template
from fairlead.inspect.compose import is_compose, read_compose
from fairlead.inspect.ecs_json import is_ecs, read_ecs
from fairlead.inspect.markup import documents
from fairlead.inspect.values import Value

_WORTH = re.compile(r"(?m)containerDefinitions|serviceName|AWS::|^\s*[\"']?services[\"']?\s*:")


def _none(_: str) -> str | None:
    return None


def read_document(
    file: str, text: str, beside: Callable[[str], str | None] = _none
) -> Setup | None:
    """What a file of YAML or JSON sets up; None where it is none of the kinds that are known:
    CloudFormation, ECS's task definitions and services, Compose. `beside` gives the text of a file
    by its path from this file's folder, None where there is none. Never raises for a text."""
    if not _WORTH.search(text):
        return None
    found = [_read(file, whole, beside) for whole in documents(file, text)]
    setups = tuple(setup for setup in found if setup)
    return merged(setups) if setups else None


def _read(file: str, whole: Value, beside: Callable[[str], str | None]) -> Setup | None:
    if is_template(whole):
        return read_template(file, whole)
    if is_ecs(whole):
        return read_ecs(file, whole)
    return read_compose(file, whole, beside) if is_compose(whole) else None
