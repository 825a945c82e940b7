"""YAML and JSON documents that set something up, and the texts within them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from fairlead.core.setup import Setup, merged
from fairlead.inspect.document_kinds import no_file, read_kinds
from fairlead.inspect.markup import block_start, documents
from fairlead.inspect.nginx import is_nginx, read_nginx
from fairlead.inspect.shell import is_script, read_shell
from fairlead.inspect.values import Value

MOST_TEXTS = 2_000
_CLOUD = "#cloud-config"
_SCRIPT = re.compile(r"^\s*#!|(?m:^.*<<-?[ \t]*['\"\\]?\w)")


def read_document(
    file: str, text: str, beside: Callable[[str], str | None] = no_file
) -> Setup | None:
    """What a file of YAML or JSON sets up; None where it is of no kind that is known. `beside`
    gives the text of a file by its path from this file's folder, None where there is none. Never
    raises for a text; Missing where tree-sitter-bash is."""
    lines = text.split("\n")
    if text.lstrip().startswith(_CLOUD):
        found = documents(file, text)
        return merged(tuple(_within(file, whole, lines) for whole in found))
    kinds = read_kinds(file, text, beside)
    setups = [one for whole, setup in kinds for one in (setup, _within(file, whole, lines))]
    return merged(tuple(setups)) if setups else None


def read_embedded(file: str, text: str, first_line: int = 1) -> Setup:
    """What a text sets up of which only its content tells what it is, and that begins on this line
    of a file: a script, a configuration of nginx, a document. Never raises for a text."""
    cloud = text.lstrip().startswith(_CLOUD)
    if is_nginx(text) and not cloud and not _SCRIPT.search(text):
        return read_nginx(file, text, first_line)
    setup = read_document(file, "\n" * (first_line - 1) + text)
    return setup or read_shell(file, text, first_line)


def read_texts(file: str, text: str) -> Setup:
    """What the texts within a file of YAML or JSON set up, which as a whole belongs to another."""
    lines = text.split("\n")
    return merged(tuple(_within(file, whole, lines) for whole in documents(file, text)))


def _within(file: str, whole: Value, lines: Sequence[str]) -> Setup:
    """What the texts of several lines in a tree set up."""
    found = []
    for value in list(_texts(whole))[:MOST_TEXTS]:
        text, line = str(value.data), block_start(lines, value.at)
        if is_script("", text.lstrip()):
            found.append(read_shell(file, text, line))
        elif is_nginx(text):
            found.append(read_nginx(file, text, line))
    return merged(tuple(found))


def _texts(whole: Value) -> Iterator[Value]:
    """Those of several lines, each once although an alias may repeat it."""
    waiting, seen = [whole], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value.data, Mapping):
            waiting.extend(reversed(list(value.data.values())))
        elif isinstance(value.data, tuple):
            waiting.extend(reversed(value.data))
        elif isinstance(value.data, str) and "\n" in value.data.strip():
            yield value
