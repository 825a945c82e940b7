"""nginx's configuration as text: static, because services, routes and endpoints live in Lua."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

from fairlead.core.errors import BadInput
from fairlead.core.model import Front

_SAFE_PATH = re.compile(r"/[A-Za-z0-9_./+@=,~-]*")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{0,128}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_MOST_WORKERS = 63


def render(
    front: Front, prefix: Path, modules: Path | None, lua: Path, trace_token: str, user: str
) -> str:
    """The whole nginx.conf. BadInput for what nginx could misread.

    `modules` holds the loadable Lua modules (None: built in), `lua` the files beside this one.
    `trace_token` opens X-Fairlead-Endpoint (empty: nobody gets it), `user` is whom the workers run
    as when nginx is started by root (empty: nothing is said).
    """
    return "\n".join(
        [
            _process(front, _path(prefix), modules, user),
            "http {",
            _http(front, _path(prefix), _path(lua)),
            _trace(trace_token),
            _upstreams(front),
            _front(front, _path(prefix)),
            _control(_path(prefix)),
            "}\n",
        ]
    )


def _path(path: Path) -> str:
    text = str(path)
    if not _SAFE_PATH.fullmatch(text) or ".." in path.parts:
        raise BadInput(
            f"nginx cannot use the folder {text!r}: choose an absolute path of letters, digits "
            "and . _ - + @ = , ~"
        )
    return text


def _listen(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    bracketed = bare != host
    try:
        shaped = "%" not in bare and bracketed == (ip_address(bare).version == 6)
    except ValueError:
        shaped = False
    if not shaped or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise BadInput(f"cannot listen on {listen!r}: expected address:port, like 127.0.0.1:8080")
    return f"    listen {host}:{port};"


def _whole(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise BadInput(f"{name} is {value}: expected {least} to {most}")
    return int(value)


def _process(front: Front, prefix: str, modules: Path | None, user: str) -> str:
    if user and not _USER.fullmatch(user):
        raise BadInput(f"{user!r} is not the name of a user")
    workers = _whole("workers", front.workers, 0, _MOST_WORKERS) or "auto"
    loads = (
        ()
        if modules is None
        else (
            f"load_module {_path(modules)}/ndk_http_module.so;",
            f"load_module {_path(modules)}/ngx_http_lua_module.so;",
        )
    )
    lines = [
        *loads,
        *([f"user {user};"] if user else []),
        "daemon off;",
        f"worker_processes {workers};",
        "worker_rlimit_nofile 16384;",
        f"pid {prefix}/nginx.pid;",
        f"error_log {prefix}/error.log warn;",
        "events { worker_connections 4096; }",
    ]
    return "\n".join(lines)


def _http(front: Front, prefix: str, lua: str) -> str:
    log = f"{prefix}/access.log combined buffer=32k flush=1s" if front.access_log else "off"
    temporary = "\n".join(
        f"  {name}_temp_path {prefix}/temp/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
  access_log {log};
  server_tokens off;
  default_type text/plain;
  keepalive_requests 1000000;
  map_hash_bucket_size 256;
  recursive_error_pages on;
  lua_check_client_abort on;
{temporary}
  lua_package_path "{lua}/?.lua;;";
  lua_shared_dict fairlead_table 64m;
  lua_shared_dict fairlead_waits 2m;
  lua_socket_log_errors off;
  init_by_lua_block {{ fairlead = require "fairlead"; fairlead.init("{prefix}") }}
  init_worker_by_lua_block {{ fairlead.init_worker() }}
  exit_worker_by_lua_block {{ fairlead.exit_worker() }}
  map "" $fl_cookie {{ default ""; }}"""


def _trace(token: str) -> str:
    """Who sends `Upgrade: fairlead-trace/TOKEN` is told which endpoints were tried.

    Upgrade is for the next hop alone (RFC 9110, 7.8), so the endpoint never sees the token; and it
    makes the request an unusual one already: plain requests are not asked for one more header.
    """
    if not _TOKEN.fullmatch(token):
        raise BadInput("the trace token holds more than letters, digits, - and _")
    sent = f'"fairlead-trace/{token}"'
    told, hidden = (f"{sent} $upstream_addr; ", f'{sent} ""; ') if token else ("", "")
    return f"""\
  map $http_upgrade $fl_endpoint {{ {told}default ""; }}
  map $http_upgrade $fl_upgrade {{ {hidden}default $http_upgrade; }}
  map $fl_upgrade $fl_connection {{ "" ""; default upgrade; }}"""


def _upstreams(front: Front) -> str:
    keepalive = _whole("keepalive", round(front.keepalive * 1000), 1, 3_600_000)
    return "\n".join(
        f"""\
  upstream {name} {{
    server 0.0.0.1;
    balancer_by_lua_block {{ fairlead.{chooser}() }}
    keepalive 256;
    keepalive_requests 1000000;
    keepalive_timeout {keepalive}ms;
  }}"""
        for name, chooser in (("plain", "choose_plainly"), ("fairlead", "choose"))
    )


_FORWARDED = {
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "$http_host",
}
# One header in place of five: nginx runs a script for each that holds a variable. What clients send
# under these names is kept from the endpoint by setting them to nothing.
_HEADERS = "\n".join(
    [
        '      proxy_set_header Host "$http_host'
        + "".join(f"\\r\\n{name}: {value}" for name, value in _FORWARDED.items())
        + '";',
        *(f'      proxy_set_header {name} "";' for name in _FORWARDED),
    ]
)

_FULL = f"""\
{_HEADERS}
      proxy_set_header Connection $fl_connection;
      proxy_set_header Upgrade $fl_upgrade;
      add_header X-Fairlead-Endpoint $fl_endpoint always;"""


def _front(front: Front, prefix: str) -> str:
    """Headers may be as large as servers commonly let them be (nginx's own limit is 4 KiB).

    Requests without a body or other peculiarities go straight on: the balancer finds their
    service and all is done in two phases. What it cannot do there it ends with a 502, which leads,
    like all other requests, to @route; that sends what may have to wait to @full or @stream. nginx
    calls that 502 an error, hence the error_log; of requests that failed indeed @failed tells,
    after it has tried once more those that may be.
    """
    listens = "\n".join(_listen(each) for each in front.listen)
    if not front.listen:
        raise BadInput("the front listens nowhere: give at least one address:port")
    body = _whole("max_body", front.max_body, 1, 1 << 50)
    return f"""\
  server {{
{listens}
    client_max_body_size {body};
    connection_pool_size 2k;
    request_pool_size 12k;
    large_client_header_buffers 4 16k;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    proxy_http_version 1.1;
    proxy_connect_timeout 1s;
    proxy_send_timeout 60s;
    proxy_read_timeout 60s;
    proxy_next_upstream error timeout;
    proxy_next_upstream_timeout 30s;
    error_page 500 = @full;
    error_page 502 = @failed;
    log_by_lua_block {{ fairlead.settle() }}
    location / {{
      error_page 403 418 502 = @route;
      error_log {prefix}/error.log crit;
      limit_except GET {{ deny all; }}
      if ($http_upgrade) {{ return 418; }}
      if ($http_accept = text/event-stream) {{ return 418; }}
{_HEADERS}
      proxy_set_header Connection "";
      proxy_pass http://plain;
    }}
    location @route {{
      error_page 418 = $fl_location;
      error_page 500 = @full;
      error_page 502 = @failed;
      set_by_lua_block $fl_location {{ return fairlead.route() }}
      if ($fl_location) {{ return 418; }}
{_FULL}
      proxy_pass http://fairlead;
    }}
    location @full {{
{_FULL}
      add_header Set-Cookie $fl_cookie always;
      access_by_lua_block {{ fairlead.hold() }}
      proxy_pass http://fairlead;
    }}
    location @stream {{
{_FULL}
      add_header Set-Cookie $fl_cookie always;
      proxy_buffering off;
      proxy_request_buffering off;
      access_by_lua_block {{ fairlead.hold() }}
      proxy_pass http://fairlead;
    }}
    location @failed {{
      error_page 500 = @full;
{_FULL}
      add_header Set-Cookie $fl_cookie always;
      access_by_lua_block {{ fairlead.again() }}
      proxy_pass http://fairlead;
    }}
    location @missing {{ return 404 "no service answers here\\n"; }}
  }}"""


def _control(prefix: str) -> str:
    return f"""\
  server {{
    listen unix:{prefix}/control.sock;
    access_log off;
    client_max_body_size 4m;
    client_body_buffer_size 4m;
    client_body_in_single_buffer on;
    location / {{ content_by_lua_block {{ fairlead.control() }} }}
  }}"""
