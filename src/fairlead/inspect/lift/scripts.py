"""Scripts and configurations that stand within resources: what runs when a node starts, what is
run when they are made, and files that are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.inspect.hcl.results import Made, Piece
from fairlead.inspect.hcl.texts import lines_of
from fairlead.inspect.lift.links import Links, blocks
from fairlead.inspect.values import Value

_FILES = ("local_file", "aws_s3_object", "aws_s3_bucket_object", "aws_ssm_parameter")
_DATA = ("user_data", "user_data_base64", "content", "value")


@dataclass(frozen=True, slots=True)
class Script:
    """A text, and where its first line stands."""

    text: str
    file: str
    line: int


def scripts(links: Links) -> tuple[Script, ...]:
    """Each of them once, also where several resources have it."""
    found = (_script(value) for value in _texts(links))
    return tuple(dict.fromkeys(script for script in found if "\n" in script.text.strip()))


def _texts(links: Links) -> Iterator[Value]:
    for resource in links.all:
        settings = resource.settings
        if resource.kind in _FILES or resource.kind.startswith("aws_"):
            yield from (settings.get(name) for name in _DATA)
        for provisioner in blocks(settings.get("provisioner")):
            yield from (provisioner.get("command"), provisioner.get("content"))
            yield from _inline(provisioner.get("inline"))


def _inline(of: Value) -> Iterator[Value]:
    """Lines of a script, each an element of a list."""
    lines = [Piece(f"{item.text().value or ':'}\n", item.at) for item in of.items()]
    if lines:
        yield Made("".join(piece.text for piece in lines), of.origin, pieces=tuple(lines))


def _script(of: Value) -> Script:
    pieces = of.pieces if isinstance(of, Made) else ()
    text, lines = lines_of(pieces)
    return Script(text, lines[0].file, lines[0].line)
