"""Options of commands, as far as they matter here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fairlead.inspect.bash_tree import Word

_FLAGS = ("no-cli-pager", "debug", "no-paginate", "no-verify-ssl", "no-sign-request")
_GLOBAL = ("region", "profile", "output", "query", "endpoint-url", *_FLAGS)
_DOCKER = {
    "-p": "publish",
    "--publish": "publish",
    "--name": "name",
    "--network": "network",
    "--net": "network",
}


def options_of(words: Sequence[Word]) -> tuple[list[str], dict[str, Word]]:
    """Service and operation, and options by name; the values of one that has several are joined,
    and one that has none is empty."""
    named: list[str] = []
    options: dict[str, Word] = {}
    last = ""
    for word in words:
        name, equals, value = word.text.partition("=")
        if re.fullmatch(r"--[a-z][a-z0-9-]*", name):
            last = name[2:]
            options[last] = Word(value if equals else "", word.row)
        elif last and not (last in _GLOBAL and (options[last].text or last in _FLAGS)):
            before = options[last].text
            text = f"{before} {word.text}" if before else word.text
            options[last] = Word(text.strip(), options[last].row if before else word.row)
        else:
            named.append(word.text)
    return named, options


def docker_options(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text, following in zip(texts, [*texts[1:], ""], strict=True):
        name, equals, value = text.partition("=")
        if name in _DOCKER:
            found.setdefault(_DOCKER[name], []).append(value if equals else following)
        elif re.fullmatch(r"-p\d\S*", text):
            found.setdefault("publish", []).append(text[2:])
    return found
