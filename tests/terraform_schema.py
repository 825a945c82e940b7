"""Terraform configuration held against the AWS provider's schema, without Terraform's registry.

    problems({"main.tf": text, …}) == []

As `terraform validate` does, it finds resources, arguments and nested blocks that do not exist or
are missing, literals of a wrong type, references to what is not declared or has no such attribute.
Expressions are not evaluated. The schema: tests/deploy/make_schema.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import hcl2

SCHEMA = Path(__file__).with_name("deploy") / "aws_provider_schema.json"
META = {"count", "for_each", "depends_on", "provider", "lifecycle", "provisioner", "connection"}
REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_\w+)\.(\w+)(\[[^\]]*\])?(?:\.(\w+))?")
VARIABLE = re.compile(r"(?<![\w.])(var|local)\.(\w+)")
Block = dict[str, Any]


def problems(files: Mapping[str, str], schema: Path = SCHEMA) -> list[str]:
    """What is wrong with the module of these files. ValueError when one cannot be read."""
    (provider,) = json.loads(schema.read_text())["provider_schemas"].values()
    kinds = {"": provider["resource_schemas"], "data.": provider["data_source_schemas"]}
    module = Module(kinds)
    documents = [parsed(name, text) for name, text in files.items()]
    for document in documents:
        module.declare(document)
    checked = (problem for document in documents for problem in module.check(document))
    return [*checked, *(problem for text in _code(documents) for problem in module.refers(text))]


def parsed(name: str, text: str) -> Block:
    try:
        return dict(hcl2.loads(text + "\n"))  # type: ignore[attr-defined]
    except Exception as error:
        raise ValueError(f"{name} cannot be read: {error}") from error


def blocks(document: Block, kind: str) -> Iterator[tuple[str, str, Block]]:
    """Type, name and body of each `resource` or `data`."""
    for each in document.get(kind, []):
        for of, named in _own(each):
            yield from ((_bare(of), _bare(name), body) for name, body in _own(named))


@dataclass
class Module:
    """What is declared, by address such as data.aws_region.current, with whether it is counted."""

    kinds: Mapping[str, Mapping[str, Any]]
    declared: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)

    def declare(self, document: Block) -> None:
        for prefix, kind in (("", "resource"), ("data.", "data")):
            for of, name, body in blocks(document, kind):
                self.declared[prefix, of, name] = bool({"count", "for_each"} & set(body))
        for variable in document.get("variable", []):
            self.names |= {("var", _bare(name)) for name, _ in _own(variable)}
        for local in document.get("locals", []):
            self.names |= {("local", _bare(name)) for name, _ in _own(local)}

    def check(self, document: Block) -> Iterator[str]:
        for prefix, kind in (("", "resource"), ("data.", "data")):
            for of, name, body in blocks(document, kind):
                known = self.kinds[prefix]
                if of in known:
                    own = {key: value for key, value in body.items() if key not in META}
                    yield from _block(f"{prefix}{of}.{name}", own, known[of]["block"])
                else:
                    yield f"{prefix}{of}.{name}: no such {kind}{_near(of, known)}"

    def refers(self, code: str) -> Iterator[str]:
        for kind, name in VARIABLE.findall(code):
            if (kind, name) not in self.names:
                yield f"{kind}.{name} is not declared"
        for prefix, of, name, index, attribute in REFERENCE.findall(code):
            yield from self._reference((prefix, of, name), index, attribute)

    def _reference(self, key: tuple[str, str, str], index: str, attribute: str) -> Iterator[str]:
        prefix, of, name = key
        address, counted = f"{prefix}{of}.{name}", self.declared.get(key)
        if counted is None:
            yield f"{address} is not declared"
        elif attribute and counted != bool(index):
            yield f"{address}.{attribute}: it {'has a count' if counted else 'has no count'}"
        elif attribute and attribute not in (known := _members(self.kinds[prefix].get(of))):
            yield f"{address} has no attribute {attribute}{_near(attribute, known)}"


def _block(where: str, body: Block, schema: Block) -> Iterator[str]:
    attributes, nested = schema.get("attributes", {}), schema.get("block_types", {})
    given = dict(_own(body))
    dynamic = {_bare(n): b for each in given.pop("dynamic", []) for n, b in _own(each)}
    for name in (*given, *dynamic):
        if name not in (nested if name in dynamic else {**attributes, **nested}):
            yield f"{where}: {name} is not known{_near(name, [*attributes, *nested])}"
    for name, of in attributes.items():
        yield from _attribute(f"{where}.{name}", given.get(name), of)
    for name, of in nested.items():
        yield from _nested(f"{where}.{name}", given.get(name, []), dynamic.get(name), of)


def _nested(where: str, given: Any, dynamic: Block | None, of: Block) -> Iterator[str]:
    bodies = given if isinstance(given, list) else [given]
    if not all(map(_is_block, bodies)):
        yield f"{where} is a block, not an attribute"
        return
    if len(bodies) < of.get("min_items", 0) and dynamic is None:
        yield f"{where} is required"
    if len(bodies) > of.get("max_items", len(bodies)):
        yield f"{where} may be there once"
    for body in [*bodies, *(dynamic or {}).get("content", [])]:
        yield from _block(where, body, of["block"])


def _attribute(where: str, value: Any, of: Block) -> Iterator[str]:
    if value is None:
        yield from [f"{where} is required"] if of.get("required") else []
    elif not {"required", "optional"} & set(of):
        yield f"{where} can only be read"
    elif isinstance(value, list) and any(map(_is_block, value)):
        yield f"{where} is an attribute, not a block"
    else:
        yield from _literal(where, value, of["type"])


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and "__is_block__" in value


def _literal(where: str, value: Any, of: Any) -> Iterator[str]:
    """What Terraform converts is fine ("80" for 80), and so is every expression."""
    if value is None or of == "dynamic" or _is_expression(value):
        return
    if isinstance(of, str):
        if not _fits(value, of):
            yield f"{where} is no {of}: {value}"
    elif isinstance(value, (dict if of[0] == "map" else list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if not str(key).startswith("__"):
                yield from _literal(f"{where}[{key}]", item, of[1])
    else:
        yield f"{where} is no {of[0]}: {value}"


def _fits(value: Any, of: str) -> bool:
    if isinstance(value, (list, dict)):
        return False
    text = _bare(json.dumps(value) if isinstance(value, bool) else str(value))
    if of == "number":
        return bool(re.fullmatch(r"-?\d+(\.\d+)?", text))
    return of == "string" or text in ("true", "false")


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and (not value.startswith('"') or "${" in value)


def _own(body: Block) -> Iterator[tuple[str, Any]]:
    """Without what the parser adds."""
    return ((key, value) for key, value in body.items() if not key.startswith("__"))


def _bare(name: str) -> str:
    return name.strip('"')


def _members(kind: Block | None) -> list[str]:
    block = (kind or {}).get("block", {})
    return [*block.get("attributes", {}), *block.get("block_types", {})]


def _near(name: str, known: Any) -> str:
    found = get_close_matches(name, known, 1)
    return f" (near: {found[0]})" if found else ""


def _code(value: Any) -> Iterator[str]:
    """Every expression, without the text of the strings in it."""
    if isinstance(value, str):
        yield _outside_strings(value)
    elif isinstance(value, dict):
        for key, inner in _own(value):
            yield _outside_strings(key)
            yield from _code(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _code(inner)


def _outside_strings(text: str) -> str:
    """`"${a.b}-c.d"` is ` a.b `: a string's text goes, what it interpolates stays."""
    kept, depth = [], ['"'] if not text.startswith('"') and "${" not in text else []
    for part in re.findall(r'\\.|\$\{|[{}"]|[^\\${}"]+|\$', text):
        inside = bool(depth) and depth[-1] == '"'
        if part == '"':
            depth.pop() if inside else depth.append('"')
        elif part in ("${", "{") and (part == "${" or not inside):
            depth.append("{")
        elif part == "}" and not inside and depth:
            depth.pop()
        elif not inside:
            kept.append(part)
            continue
        kept.append(" ")
    return "".join(kept)
