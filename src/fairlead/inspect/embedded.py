"""Scripts and configurations that lie within the values of another file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fairlead.core.setup import Setup, merged
from fairlead.inspect.markup import block_start
from fairlead.inspect.nginx import is_nginx, read_nginx
from fairlead.inspect.shell import is_script, read_shell
from fairlead.inspect.values import Value

MOST_TEXTS = 2_000


def read_embedded(file: str, whole: Value, lines: Sequence[str]) -> Setup:
    """What the texts of several lines in this tree set up, at their own lines. `lines` are those of
    the file."""
    found = []
    for number, value in enumerate(_texts(whole)):
        if number >= MOST_TEXTS:
            break
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
