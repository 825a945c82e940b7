"""Server blocks that lead hosts and paths to upstreams, as fairlead's routes mean them.

The longest path of the exact host wins, then that of a wildcard, then that of `*`. nginx chooses
the server first and the location after, so each server holds the locations of the less exact hosts
too, as far as its own do not go before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fairlead.core.model import EntryState, Front, Route, ServiceTable, Traffic
from fairlead.proxies.naming import checked_name
from fairlead.proxies.plain import words

ANY = "*"
_MOST_BODY = 1 << 50

_FORWARDED = (
    "Host $http_host",
    "X-Real-IP $remote_addr",
    "X-Forwarded-For $proxy_add_x_forwarded_for",
    "X-Forwarded-Proto $scheme",
    "X-Forwarded-Host $http_host",
    "Upgrade $http_upgrade",
    "Connection $fairlead_connection",
)


@dataclass(frozen=True, slots=True)
class Target:
    route: Route
    table: ServiceTable


Paths = Mapping[str, Target]


def servers(tables: Iterable[ServiceTable], front: Front) -> Iterator[str]:
    """The first one answers for hosts that nobody names: with 404, unless a route takes `*`."""
    hosts: dict[str, dict[str, Target]] = {ANY: {}}
    for table in tables:
        for route in table.routes:
            hosts.setdefault(route.host, {})[words.path(route)] = Target(route, table)
    yield "map $http_upgrade $fairlead_connection {"
    yield '  "" "";'
    yield "  default upgrade;"
    yield "}"
    for host in sorted(hosts, key=lambda host: (host != ANY, host)):
        yield from _server(host, _with_less_exact(host, hosts), front)


def _with_less_exact(host: str, hosts: Mapping[str, Paths]) -> Paths:
    found = dict(hosts[host])
    for other in _less_exact(host):
        rest = hosts.get(other, {})
        found |= {p: target for p, target in rest.items() if not _covered(p, found)}
    return found


def _less_exact(host: str) -> Iterator[str]:
    if host != ANY and not host.startswith("*."):
        yield f"*.{host.partition('.')[2]}"
    if host != ANY:
        yield ANY


def _covered(path: str, prefixes: Iterable[str]) -> bool:
    return any(p in {"/", path} or path.startswith(f"{p}/") for p in prefixes)


def _server(host: str, paths: Paths, front: Front) -> Iterator[str]:
    body = words.whole("max_body", front.max_body, 1, _MOST_BODY)
    default = " default_server" if host == ANY and paths else ""
    yield "server {"
    yield from (f"  listen {words.listener(listen)}{default};" for listen in front.listen)
    yield f"  server_name {'_' if host == ANY else words.server_name(host)};"
    yield f"  client_max_body_size {body};"
    yield "  default_type text/plain;"
    for path in sorted(paths):
        yield from _locations(path, paths[path])
    if "/" not in paths:
        yield '  location / { return 404 "no service answers here\\n"; }'
    yield "}"


def _locations(path: str, target: Target) -> Iterator[str]:
    """A path matches whole segments: itself, and what is below it."""
    below = path if path == "/" else f"{path}/"
    matches = [f'"{below}"'] if path == "/" else [f'= "{path}"', f'"{below}"']
    for match in matches:
        yield f"  location {match} {{"
        yield from (f"    {line}" for line in _answer(target))
        yield "  }"


def _answer(target: Target) -> Iterator[str]:
    name = checked_name(target.table.service)
    if not any(entry.state is EntryState.UP for entry in target.table.entries):
        yield "add_header Retry-After 1 always;"
        yield f'return 503 "no endpoint of {name} is up\\n";'
        return
    yield f"proxy_pass http://{name}{'/' if target.route.strip else ''};"
    yield "proxy_http_version 1.1;"
    yield from (f"proxy_set_header {header};" for header in _FORWARDED)
    yield from _traffic(target.table.traffic)


def _traffic(traffic: Traffic) -> Iterator[str]:
    """A connection that failed is tried elsewhere; an endpoint that took `timeout` is not: nginx
    calls both a timeout, and only the first happens this early."""
    tries = 1 + words.whole("retries", traffic.retries, 0, 10)
    timeout = words.milliseconds("timeout", traffic.timeout, 1)
    connect = words.milliseconds("connect_timeout", traffic.connect_timeout, 1)
    early = min(traffic.timeout, traffic.connect_timeout * tries)
    yield f"proxy_connect_timeout {connect};"
    yield f"proxy_send_timeout {timeout};"
    yield f"proxy_read_timeout {timeout};"
    yield "proxy_next_upstream error timeout;"
    yield f"proxy_next_upstream_tries {tries};"
    yield f"proxy_next_upstream_timeout {words.milliseconds('timeout', early, 1)};"
    if traffic.stream:
        yield "proxy_buffering off;"
        yield "proxy_request_buffering off;"
