"""The border: each text of a table as nginx's configuration may hold it, or ProxyError.

What passes holds no space, quote, `;`, `{`, `$`, backslash or control character, so that inside
double quotes nginx reads it as it is written. The settings promise the same; labels of containers
and addresses of other machines come by here too.
"""

from __future__ import annotations

import math
import re
from ipaddress import ip_address

from fairlead.core.errors import ProxyError
from fairlead.core.model import Entry, Route, Traffic

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?({_LABEL}(?:\.{_LABEL})*)")
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!&()*+,=:@-]+(?:/[A-Za-z0-9._~!&()*+,=:@-]+)*)?")
_KEY = re.compile(r"(header|cookie):([A-Za-z][A-Za-z0-9_-]{0,63})")
_LONGEST = 1024
_DAY = 86_400_000


def place(entry: Entry) -> str:
    """`10.0.0.5:8080`, or `[2001:db8::5]:8080`."""
    return f"{_address(entry.address)}:{whole('port', entry.port, 1, 65535)}"


def listener(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    if not re.fullmatch("[1-9][0-9]{0,4}", port):
        raise ProxyError(f"cannot listen on {listen!r}: expected address:port")
    address = _address(host.removeprefix("[").removesuffix("]"))
    return f"{address}:{whole('port', int(port), 1, 65535)}"


def server_name(host: str) -> str:
    """Of a route's host other than `*`. A wildcard is one label; nginx's own is any number."""
    found = _HOST.fullmatch(host) if len(host) <= 255 else None
    if not found:
        raise ProxyError(f"refused {host!r}: no host looks so")
    if not found[1]:
        return found[2]
    return f'"~^[^.]+\\.{found[2].replace(".", chr(92) + ".")}$"'


def path(route: Route) -> str:
    text = route.path
    dots = any(segment in {".", ".."} for segment in text.split("/"))
    if len(text) > _LONGEST or dots or not _PATH.fullmatch(text):
        raise ProxyError(f"refused {text!r}: no route has such a path")
    return text


def hash_key(traffic: Traffic) -> str:
    """As a variable of nginx (ngx_http_core_module, "Embedded Variables")."""
    plain = {"ip": "$remote_addr", "uri": "$request_uri"}.get(traffic.hash_key)
    found = _KEY.fullmatch(traffic.hash_key)
    if plain or not found:
        return plain or _no_key(traffic.hash_key)
    kind = {"header": "http", "cookie": "cookie"}[found[1]]
    name = found[2].lower().replace("-", "_") if kind == "http" else found[2]
    return f"${kind}_{name}"


def milliseconds(name: str, seconds: float, least: int = 0) -> str:
    if not math.isfinite(seconds):
        raise ProxyError(f"{name} is {seconds}: expected seconds")
    return f"{whole(name, round(seconds * 1000), least, _DAY)}ms"


def whole(name: str, value: int, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ProxyError(f"{name} is {value!r}: expected {least} to {most}")
    return int(value)


def _address(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    if address is None or "%" in text:
        raise ProxyError(f"refused {text!r}: no IP address looks so")
    return f"[{address}]" if address.version == 6 else str(address)


def _no_key(key: str) -> str:
    raise ProxyError(f"refused {key!r}: nginx cannot hash by that")
