"""Texts that nothing but their content tells apart: scripts, configurations of nginx, cloud-init."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from fairlead.core.setup import Setup, merged
from fairlead.inspect.documents import read_document
from fairlead.inspect.nginx import is_nginx, read_nginx
from fairlead.inspect.shell import read_shell

_SCRIPT = re.compile(r"\s*#!|(?m:^.*<<-?[ \t]*['\"\\]?\w)")


def read_embedded(file: str, text: str, first_line: int = 1) -> Setup:
    """What a text says, which begins on this line of a file: of scripts their calls and what they
    write, of nginx where it sends requests. Never raises for a text; Missing where a reader must
    be installed."""
    return merged(tuple(_read(file, part, first_line + line) for line, part in _parts(text)))


def _read(file: str, text: str, first_line: int) -> Setup:
    if is_nginx(text) and not _SCRIPT.match(text) and not _SCRIPT.search(text):
        return read_nginx(file, text, first_line)
    if text.lstrip()[:1] in ("{", "["):
        return read_document(file, "\n" * (first_line - 1) + text) or Setup()
    return read_shell(file, text, first_line)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text, or those within a configuration of cloud-init; with the lines before each."""
    if not text.lstrip().startswith("#cloud-config"):
        yield 0, text
        return
    try:
        rest = [yaml.compose(text, Loader=yaml.SafeLoader)]
    except (yaml.YAMLError, RecursionError):
        return
    while rest:
        node = rest.pop()
        if isinstance(node, yaml.ScalarNode) and "\n" in node.value:
            yield node.start_mark.line + (node.style in ("|", ">")), node.value
        elif isinstance(node, yaml.MappingNode):
            rest += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            rest += node.value
