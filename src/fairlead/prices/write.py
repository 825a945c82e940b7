"""What was fetched, as a price file: laid over one that is there already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fairlead.core.errors import BadInput
from fairlead.files import write_atomically
from fairlead.prices.read import FORMAT, LARGEST, parse
from fairlead.prices.refresh import Fetched


def write(path: Path, region: str, fetched: Fetched, today: str) -> None:
    """Other regions that the file has stay. BadInput when it is there and is no price file, or
    cannot be written."""
    try:
        old = _old(path)
        document = {**old, "format": FORMAT, "checked": today}
        document["sources"] = {**old.get("sources", {}), **_sources(region, fetched, today)}
        document["regions"] = {**old.get("regions", {}), region: _prices(region, fetched)}
        write_atomically(path, json.dumps(document, indent=1).encode() + b"\n", public=True)
    except OSError as error:
        raise BadInput(f"cannot write prices to {path}: {error.strerror or error}") from error


def _old(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        data = file.read(LARGEST)
    parse(data, str(path))
    return dict(json.loads(data))


def _sources(region: str, fetched: Fetched, today: str) -> dict[str, Any]:
    return {
        f"{offer} {region}": {"where": where, "date": today}
        for offer, where in fetched.sources.items()
    }


def _prices(region: str, fetched: Fetched) -> dict[str, Any]:
    return {
        key: {"usd": f"{price.usd:f}", "sources": [f"{price.sources[0]} {region}"]}
        for key, price in fetched.prices.items()
    }
