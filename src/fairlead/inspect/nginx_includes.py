"""`include` of nginx, among the files that are at hand."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from fairlead.inspect.nginx_syntax import Directive, walk

MAX_DEPTH = 8
_HOMES = ("/etc/nginx/", "/usr/local/nginx/conf/", "/usr/local/openresty/nginx/conf/")
Parsed = Mapping[str, tuple[Directive, ...]]


def included_by(file: str, found: tuple[Directive, ...], parsed: Parsed) -> set[str]:
    """The files that the directives of this one include."""
    includes = (d for d in walk(found) if d.name == "include" and d.args)
    return {name for d in includes for name in _matching(file, d.args[0], parsed) if name != file}


def spliced(
    file: str, found: tuple[Directive, ...], parsed: Parsed, depth: int = 0
) -> tuple[Directive, ...]:
    """The directives with those of included files in their place. An include of files that are not
    at hand stays."""
    return tuple(_spliced(file, found, parsed, depth))


def _spliced(
    file: str, found: tuple[Directive, ...], parsed: Parsed, depth: int
) -> Iterator[Directive]:
    for directive in found:
        names: tuple[str, ...] = ()
        if directive.name == "include" and directive.args and depth < MAX_DEPTH:
            names = tuple(_matching(file, directive.args[0], parsed))
        for name in names:
            yield from spliced(name, parsed[name], parsed, depth + 1)
        if not names:
            yield replace(directive, inner=spliced(file, directive.inner, parsed, depth))


def _matching(file: str, pattern: str, parsed: Parsed) -> Iterator[str]:
    """Relative paths are those of the main file's folder; below nginx's own folder the same path
    is looked for there, as that is what gets copied or mounted."""
    for home in _HOMES:
        pattern = pattern.removeprefix(home)
    if pattern.startswith("/"):
        return
    folder = posixpath.dirname(file)
    for base in dict.fromkeys((folder, posixpath.dirname(folder))):
        wanted = posixpath.normpath(posixpath.join(base, pattern))
        names = [name for name in sorted(parsed) if _same(posixpath.normpath(name), wanted)]
        if names:
            yield from names
            return


def _same(name: str, wanted: str) -> bool:
    """`*` matches within one folder."""
    return name.count("/") == wanted.count("/") and fnmatchcase(name, wanted)
