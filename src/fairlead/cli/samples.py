"""Samples of what copies use: `docker stats --format json`, CSV, or JSON of the same names."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fairlead.core.advice.rightsize import Sample
from fairlead.core.errors import BadInput
from fairlead.files import read_given

LARGEST = 64 << 20
"""Bytes of a file."""
UNITS = {
    "b": 2**-20,
    "kib": 2**-10,
    "mib": 1.0,
    "gib": 1024.0,
    "tib": 2.0**20,
    "kb": 1e3 / 2**20,
    "mb": 1e6 / 2**20,
    "gb": 1e9 / 2**20,
}
"""MiB in each; Docker writes the binary ones."""
_USED = re.compile(r"\s*([\d.]+)\s*([A-Za-z]+)\s*(?:/.*)?")
_ECS = re.compile(r"ecs-.+-\d+-(.+)-[0-9a-f]{16,}")
_COPY = re.compile(r"(.+?)[-_](?:\d+|[a-z0-9]{6})")
"""Compose's `catalog-2`, and fairlead's `catalog-7f3a9k`."""
NAMED = "service, cpu_percent (of one core) or cpu (units of 1/1024 core), memory_mib"


def read_samples(path: Path) -> list[Sample]:
    """BadInput names the line, or the record, that is not understood."""
    data = read_given(path, "samples", LARGEST)
    samples = []
    for number, record in enumerate(_records(data.decode("utf-8-sig", "replace"), path), 1):
        try:
            samples.append(_sample(record))
        except (ValueError, TypeError, OverflowError) as error:
            raise BadInput(f"{path}: record {number}: {error}") from error
    if not samples:
        raise BadInput(f"{path}: no samples in it; each has {NAMED}")
    return samples


def _records(text: str, path: Path) -> Iterable[Mapping[str, Any]]:
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return _csv(text, path)
    try:
        found = json.loads(text) if start == "[" else list(_lines(text))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: no JSON: {error}") from error
    if all(isinstance(each, dict) for each in found):
        return list(found)
    raise BadInput(f"{path}: not a list of samples; each has {NAMED}")


def _lines(text: str) -> Iterator[Any]:
    """One document, or one a line."""
    try:
        yield json.loads(text)
    except ValueError:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _csv(text: str, path: Path) -> Iterable[Mapping[str, Any]]:
    reader = csv.DictReader(text.splitlines())
    names = [str(name).strip().lower() for name in reader.fieldnames or ()]
    if "service" not in names and "name" not in names:
        raise BadInput(f"{path}: neither JSON nor CSV with a header of {NAMED}")
    reader.fieldnames = names
    return list(reader)


def _sample(record: Mapping[str, Any]) -> Sample:
    if "services" in record and "listen" in record:
        raise ValueError("fairlead's status tells states and requests, not what copies use")
    given = {str(key).lower(): value for key, value in record.items() if value not in (None, "")}
    name = given.get("service") or given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"no service is named; a sample has {NAMED}")
    service = name.strip() if "service" in given else service_of(name.strip())
    return Sample(service, _bounded("cpu", _cpu(given), 1e6), _bounded("memory", _mib(given), 1e8))


def _cpu(given: Mapping[str, Any]) -> float:
    for key in ("cpu_percent", "cpuperc"):
        if key in given:
            return float(str(given[key]).strip().removesuffix("%")) * 10.24
    if "cpu" in given:
        return float(given["cpu"])
    raise ValueError(f"no cpu in it; a sample has {NAMED}")


def _mib(given: Mapping[str, Any]) -> float:
    if "memory_mib" in given:
        return float(given["memory_mib"])
    match = _USED.fullmatch(str(given.get("memusage", "")))
    unit = UNITS.get(match[2].lower()) if match else None
    if not match or unit is None:
        raise ValueError(f"no memory in it; a sample has {NAMED}")
    return float(match[1]) * unit


def _bounded(what: str, number: float, most: float) -> float:
    if not 0 <= number <= most:
        raise ValueError(f"{what} {number:g} is not between 0 and {most:g}")
    return number


def service_of(container: str) -> str:
    """The service of a container's name, as ECS, Compose or fairlead gave it."""
    for pattern in (_ECS, _COPY):
        if match := pattern.fullmatch(container):
            return match[1]
    return container
