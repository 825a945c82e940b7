"""nginx configurations: where each location sends its requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fairlead.core.setup import ProxyTarget, Setup, Unknown, merged
from fairlead.inspect.nginx_includes import included_by, spliced
from fairlead.inspect.nginx_syntax import CONTROL, Directive, parse, walk

_PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")
_BLOCK = re.compile(r"(?m)(?:^|[;}])[ \t]*(?:server|upstream\s+\S+|location\s[^;{]*)\s*\{")
_INSIDE = re.compile(
    r"(?m)(?:^|[{;])\s*(?:listen|server|server_name|root|return|include|\w+_pass|proxy_\w+|location)"
    r"\s+[^=;{\n]+[;{]"
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PATH = re.compile(r"/|\$(?:request_uri|uri|document_uri|is_args)\b")
_LISTEN = re.compile(r"(?:.*:)?(\d{1,5})")
_OPEN = re.compile(r"[$<{]|\{\{")
_ADDRESS = re.compile(r"[\d.]+(?::\d+)?|\[.*|localhost(?::.*)?")


def is_nginx(text: str) -> bool:
    """Whether a text is (part of) a configuration of nginx, by what it holds."""
    return bool(_BLOCK.search(text) and _INSIDE.search(text))


def read_nginx(file: str, text: str, first_line: int = 1) -> Setup:
    """Where a configuration, which begins on this line of a file, sends requests. Never raises for
    a text."""
    return _Reader(parse(file, text, first_line), {}).setup()


def read_confs(texts: Mapping[str, str]) -> Setup:
    """Configurations by the names of their files, those that one includes as parts of it. Nothing
    beyond them is opened."""
    parsed = {name: parse(name, text) for name, text in texts.items()}
    inner = {n for name, found in parsed.items() for n in included_by(name, found, parsed)}
    roots = {n: spliced(n, parsed[n], parsed) for n in parsed if n not in inner} or parsed
    shared = _only_once(tuple(roots.values()))
    return merged(tuple(_Reader(found, shared).setup() for found in roots.values()))


def _only_once(roots: tuple[tuple[Directive, ...], ...]) -> dict[str, Directive]:
    """Upstreams whose name is given once in all files: nobody else can be meant by it."""
    found: dict[str, list[Directive]] = {}
    for root in roots:
        for name, upstream in _upstreams(root).items():
            found.setdefault(name, []).append(upstream)
    return {name: each[0] for name, each in found.items() if len(each) == 1}


def _upstreams(root: tuple[Directive, ...]) -> dict[str, Directive]:
    return {d.args[0]: d for d in walk(root) if d.name == "upstream" and d.block and d.args}


@dataclass(frozen=True, slots=True)
class _Scope:
    """What holds around a directive. `resolver`: there is one."""

    hosts: tuple[str, ...] = ()
    listen: tuple[int, ...] = ()
    location: str = "/"
    resolver: bool = False
    constants: Mapping[str, str] | None = None


class _Unsure(Exception):
    """Where it goes is not known; says why."""


class _Reader:
    def __init__(self, root: tuple[Directive, ...], shared: Mapping[str, Directive]) -> None:
        self._root = root
        self._upstreams = {**shared, **_upstreams(root)}
        self._unknown: list[Unknown] = []

    def setup(self) -> Setup:
        proxies = tuple(self._targets(self._root, _Scope()))
        return Setup(proxies=proxies, unknown=tuple(self._unknown))

    def _targets(self, inner: tuple[Directive, ...], scope: _Scope) -> Iterator[ProxyTarget]:
        scope = _within(inner, scope)
        for directive in inner:
            if directive.name in _PASSES and directive.args and not directive.block:
                yield from self._target(directive, scope)
            elif directive.name == "server" and directive.block:
                yield from self._targets(directive.inner, _of_server(directive, scope))
            elif directive.name == "location" and directive.block:
                location = " ".join(directive.args) or "/"
                yield from self._targets(directive.inner, replace(scope, location=location))
            elif directive.block and directive.name != "upstream":
                yield from self._targets(directive.inner, scope)

    def _target(self, directive: Directive, scope: _Scope) -> Iterator[ProxyTarget]:
        written = "".join(directive.args)
        try:
            place = _authority(_replaced(written, scope.constants or {}))
            bare = ProxyTarget(scope.hosts, (), "", scope.location, listen=scope.listen)
            looked_up = any(not (m[1] or m[2]).isupper() for m in _VARIABLE.finditer(written))
            yield replace(self._placed(place, looked_up, scope, bare), at=directive.at)
        except _Unsure as unsure:
            what = f"{directive.name} {written}"
            self._unknown.append(Unknown(what, str(unsure), directive.at))

    def _placed(self, place: str, looked_up: bool, scope: _Scope, bare: ProxyTarget) -> ProxyTarget:
        upstream = self._upstreams.get(place)
        if upstream:
            servers, resolved = _servers(upstream)
            return replace(bare, servers=servers, upstream=place, resolved=resolved)
        resolved = looked_up and scope.resolver and not _ADDRESS.fullmatch(place)
        return replace(bare, servers=(_with_port(place),), resolved=resolved)


def _within(inner: tuple[Directive, ...], scope: _Scope) -> _Scope:
    """With the variables that are set to one text, and a resolver where there is one."""
    constants = dict(scope.constants or {})
    own: dict[str, set[str]] = {}
    for directive in walk(inner):
        if directive.name == "set" and len(directive.args) == 2:
            own.setdefault(directive.args[0].strip("${}"), set()).add(directive.args[1])
    for name, values in own.items():
        here = {d.args[1] for d in inner if d.name == "set" and d.args[:1] == (f"${name}",)}
        constants.pop(name, None)
        if len(values) == 1 and here:
            constants[name] = _replaced(values.pop(), constants)
    resolver = scope.resolver or any(d.name == "resolver" for d in inner)
    return replace(scope, constants=constants, resolver=resolver)


def _of_server(server: Directive, scope: _Scope) -> _Scope:
    names = [a for d in server.inner if d.name == "server_name" for a in d.args]
    listens = [d.args[0] for d in server.inner if d.name == "listen" and d.args]
    ports = [int(m[1]) for text in listens if (m := _LISTEN.fullmatch(text))]
    plain = [80 for text in listens if re.fullmatch(r"[\w.*-]*[A-Za-z.*][\w.*-]*", text)]
    hosts = tuple(name for name in names if name not in ("_", "") and not _OPEN.search(name))
    found = tuple(dict.fromkeys([*ports, *plain])) or (() if listens else (80,))
    return replace(scope, hosts=hosts, listen=found, location="/")


def _replaced(text: str, constants: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda m: constants.get(m[1] or m[2], m.group()), text)


def _authority(text: str) -> str:
    """The host and port of an address, or the name of an upstream."""
    scheme, mark, rest = text.partition("://")
    rest = rest if mark else scheme
    if socket := re.search(r"(?:^|://)(unix:.*)", text):
        return socket[1]
    place = _PATH.split(rest, maxsplit=1)[0]
    host = place.rpartition(":")[0] if ":" in place else place
    if _OPEN.search(host) or not place or (mark and _OPEN.search(scheme)):
        raise _Unsure("it is not a constant: a variable or a template decides")
    return place if mark else place or text


def _with_port(place: str) -> str:
    if place.startswith("unix:") or ":" in re.sub(r"^\[[^\]]*\]", "", place):
        return place
    return f"{place}:80"


def _servers(upstream: Directive) -> tuple[tuple[str, ...], bool]:
    """Those that are not down, and whether their names are looked up again."""
    names = {directive.name for directive in upstream.inner}
    if CONTROL in names or "include" in names:
        raise _Unsure(f"the servers of upstream {upstream.args[0]} are made elsewhere")
    if any(name.startswith("balancer_by_lua") for name in names):
        raise _Unsure(f"a program chooses the server of upstream {upstream.args[0]}")
    given = [d.args for d in upstream.inner if d.name == "server" and d.args]
    servers = tuple(_with_port(args[0]) for args in given if "down" not in args)
    if not servers or any(_OPEN.search(server.rpartition(":")[0]) for server in servers):
        raise _Unsure(f"the servers of upstream {upstream.args[0]} are not written in the file")
    return servers, bool(given) and all("resolve" in args for args in given)
