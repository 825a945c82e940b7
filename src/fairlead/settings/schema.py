"""The JSON schema of fairlead.yaml, and its table of keys, both from the key table.

`python -m fairlead.settings.schema` writes fairlead.schema.json beside this file;
`python -m fairlead.settings.schema FILE` also renews the table in that page of the documentation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairlead.settings.groups import Either, ListOf, MapOf
from fairlead.settings.keys import ROOT
from fairlead.settings.kinds import Kind
from fairlead.settings.sections import Key, Section, default_of

PATH = Path(__file__).with_name("fairlead.schema.json")
BEGIN, END = "<!-- keys: begin -->\n", "<!-- keys: end -->\n"


def schema_text() -> str:
    """JSON Schema, draft 2020-12."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fairlead.yaml",
        "description": "Settings of fairlead.",
    }
    whole = head | _with_titles(ROOT.schema(), "")
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _with_titles(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """Each property named by its path, as editors show it."""
    inner = {
        name: {"title": f"{path}{name}", **_with_titles(value, f"{path}{name}.")}
        for name, value in schema.get("properties", {}).items()
    }
    return schema | ({"properties": inner} if inner else {})


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Path, type, default and meaning of every key."""
    return _rows(ROOT, "", None)


def _rows(section: Section, prefix: str, model: Any) -> Iterator[tuple[str, str, str, str]]:
    model = section.model or model
    for key in section.keys:
        path = prefix + key.name
        yield path, key.kind.expected, _default(key, model), key.doc
        for inner, suffix in _inside(key.kind):
            yield from _rows(inner, path + suffix, model)


def _default(key: Key, model: Any) -> str:
    if key.required:
        return "required"
    value = default_of(key, model)
    if value is None:
        return key.default
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _inside(kind: Kind) -> Iterator[tuple[Section, str]]:
    """The sections within a kind, and what stands between its path and theirs."""
    if isinstance(kind, Section):
        yield kind, "."
        if kind.others:
            yield from ((inner, f".NAME{suffix}") for inner, suffix in _inside(kind.others[1]))
    elif isinstance(kind, MapOf):
        yield from ((inner, f".NAME{suffix}") for inner, suffix in _inside(kind.value))
    elif isinstance(kind, ListOf):
        yield from ((inner, f"[]{suffix}") for inner, suffix in _inside(kind.item))
    elif isinstance(kind, Either):
        yield from (pair for option in kind.options for pair in _inside(option))


def table() -> str:
    """The rows as Markdown."""
    lines = ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
    lines += (f"| `{path}` | {kind} | {value} | {doc} |" for path, kind, value, doc in rows())
    return "\n".join(lines) + "\n"


def with_table(page: str) -> str:
    """The page with its table between the two marks renewed."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


def main(arguments: list[str]) -> None:
    PATH.write_text(schema_text())
    for page in map(Path, arguments):
        page.write_text(with_table(page.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
