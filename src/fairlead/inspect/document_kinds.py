"""Kinds of YAML and JSON documents that set something up, told apart by what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable

from fairlead.core.setup import Setup
from fairlead.inspect.cloudformation import read_template
from fairlead.inspect.compose import is_compose, read_compose
from fairlead.inspect.dns_batches import batch_records
from fairlead.inspect.ecs_json import is_ecs, read_ecs
from fairlead.inspect.markup import documents
from fairlead.inspect.stacks import is_template
from fairlead.inspect.values import Value

_WORTH = re.compile(
    r"(?m)containerDefinitions|serviceName|ResourceRecordSet|AWS::|^\s*[\"']?services[\"']?\s*:"
)


def no_file(_: str) -> str | None:
    return None


def read_kinds(
    file: str, text: str, beside: Callable[[str], str | None] = no_file
) -> list[tuple[Value, Setup]]:
    """The documents of a kind that is known, with what they set up: CloudFormation, ECS's task
    definitions and services, Compose."""
    if not _WORTH.search(text):
        return []
    read = [(whole, _read(file, whole, beside)) for whole in documents(file, text)]
    return [(whole, setup) for whole, setup in read if setup]


def _read(file: str, whole: Value, beside: Callable[[str], str | None]) -> Setup | None:
    if is_template(whole):
        return read_template(file, whole, beside)
    if is_ecs(whole):
        return read_ecs(file, whole)
    if records := batch_records(whole):
        return Setup(records=records)
    return read_compose(file, whole, beside) if is_compose(whole) else None
