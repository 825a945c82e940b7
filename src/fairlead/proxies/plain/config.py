"""What fairlead writes for an nginx without Lua: one upstream a service, and their servers.

    upstream catalog { server 10.0.1.100:32768; server 10.0.1.101:32769; }

Endpoints that drain are left out, those that fail their checks are `down`. `max_fails=0`: nginx
takes nothing out by itself. A refused connection goes on to another endpoint anyway, and counting
failures could leave a service with none that nginx tries ("no live upstreams") although one would
answer; who is out is for fairlead's checks to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fairlead.core.errors import ProxyError
from fairlead.core.model import Balance, Entry, EntryState, Front, Plain, ServiceTable
from fairlead.core.plain_nginx import lacking
from fairlead.proxies.naming import checked_name
from fairlead.proxies.plain import words
from fairlead.proxies.plain.servers import servers

CONFIRM_PATH = "/.fairlead/generation"
GENERATION = "\0"
"""Stands for the generation until the text is written."""
_IDLE = 64
"""Idle connections to a service that each worker keeps."""
_ZONE = 64, 1
"""KiB of shared memory of an upstream, and for each of its endpoints: less is refused by nginx."""


def check(table: ServiceTable, front: Front) -> None:
    """ProxyError when nginx could misread something of it, or cannot do it."""
    if problem := lacking(table.traffic):
        raise ProxyError(f"{table.service}: {problem}")
    for _ in (*upstream(table, front), *servers([table], front)):
        pass


def directives(tables: Iterable[ServiceTable], front: Front, plain: Plain) -> str:
    """Everything but the comments, for nginx's http block, with GENERATION in one place."""
    ordered = sorted(tables, key=lambda table: table.service)
    lines = [*_confirming(plain)]
    for table in ordered:
        lines += upstream(table, front)
    if plain.servers:
        lines += servers(ordered, front)
    return "\n".join(lines) + "\n"


def _confirming(plain: Plain) -> Iterator[str]:
    """Where a worker says which writing it serves, and which process it is."""
    yield "server {"
    yield f"  listen {words.listener(plain.confirm)};"
    yield "  access_log off;"
    yield "  default_type text/plain;"
    yield f'  location = {CONFIRM_PATH} {{ return 200 "{GENERATION} $pid"; }}'
    yield "  location / { return 404; }"
    yield "}"


def upstream(table: ServiceTable, front: Front) -> Iterator[str]:
    name = checked_name(table.service)
    listed = [e for e in table.entries if e.state is not EntryState.DRAINING]
    least, each = _ZONE
    yield f"upstream {name} {{"
    yield f"  zone fairlead_{name} {least + each * len(listed)}k;"
    yield from _balance(table)
    # nginx takes no upstream without a server; port 9 (discard) of this machine is never asked.
    yield from (f"  {_server(entry)}" for entry in listed)
    if not listed:
        yield "  server 127.0.0.1:9 down;"
    yield f"  keepalive {_IDLE};"
    yield f"  keepalive_timeout {words.milliseconds('keepalive', front.keepalive, 1)};"
    yield "}"


def _balance(table: ServiceTable) -> Iterator[str]:
    balance = table.traffic.balance
    if balance is Balance.P2C:
        yield "  random two least_conn;"
    elif balance is Balance.HASH:
        yield f"  hash {words.hash_key(table.traffic)} consistent;"


def _server(entry: Entry) -> str:
    weight = words.whole("weight", entry.weight, 1, 1000)
    down = " down" if entry.state is EntryState.DOWN else ""
    return f"server {words.place(entry)} weight={weight} max_fails=0{down};"
