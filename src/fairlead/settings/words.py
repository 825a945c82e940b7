"""The texts that reach nginx, a shell-free argv or a header: what each may look like.

These patterns are the border: nothing that passes holds a space, quote, `;`, `{`, `$`, backslash or
control character. Label: RFC 1123 §2.1; path: `pchar` of RFC 3986 §3.3 without `;`, `'`, `$` and
percent-escapes; token: the safe part of RFC 9110 §5.6.2.
"""

from __future__ import annotations

from typing import Any

from fairlead.core.dns import OWNER
from fairlead.core.model import FixedEndpoint, Route
from fairlead.settings.kinds import Kind, Schema
from fairlead.settings.numbers import Integer
from fairlead.settings.place import At
from fairlead.settings.texts import Text

_LOWER_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_HOST = rf"(?:\*|(?:\*\.)?{_NAME})"
_SEGMENT = "[A-Za-z0-9._~!&()*+,=:@-]+"
_NO_DOTS = r"(?![^?]*\.\.)(?![^?]*/\.(?:/|\?|$))"
_PATH = f"/(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?"
_QUERY = "[A-Za-z0-9._~!&()*+,=:@/?%-]*"
_PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_COOKIE = "[A-Za-z0-9_-]{1,64}"
_HEADER = "[A-Za-z][A-Za-z0-9-]{0,63}"

_PATH_HINTS = (
    (r"^[^/]", "a path starts with /"),
    ("%", "write the path decoded, without percent-escapes"),
    ("//", "write single slashes"),
    (r"\.\.|/\./|/\.$", "write the path without dot segments"),
)
_IPV6_HINT = (r"\[|::", "IPv6 addresses are not built yet")


def _route(text: str) -> Route:
    host, slash, path = text.partition("/")
    return Route(host.lower(), without_end(slash + path))


def without_end(path: str) -> str:
    """The form of core.model.Route: no trailing slash except the root."""
    return path.rstrip("/") or "/"


def _endpoint(text: str) -> FixedEndpoint:
    host, _, port = text.rpartition(":")
    return FixedEndpoint(host.lower(), int(port))


def _first_and_last(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last)


NAME = Text("a name of lower-case letters, digits and inner hyphens", _LOWER_LABEL, 63)
VARIABLE = Text("a variable's name (letters, digits, _)", "[A-Za-z_][A-Za-z0-9_]*", 255)
COOKIE = Text("a cookie's name (letters, digits, _ and -)", _COOKIE, 64)
DIRECTORY = Text("a directory", r"[^\u0000-\u001f\u007f\ud800-\udfff]+", 1024)
FILE = Text(
    "an absolute path such as /etc/nginx/conf.d/fairlead.conf",
    r"/(?:[^\u0000-\u001f\u007f\ud800-\udfff/]+/)*[^\u0000-\u001f\u007f\ud800-\udfff/]+",
    1024,
)
ANY_FILE = Text("a file", DIRECTORY.pattern, 1024)
LEASE = Text("a file, or dynamodb:TABLE", DIRECTORY.pattern, 1024)
HASH_KEY = Text(
    "ip, uri, header:NAME or cookie:NAME", f"ip|uri|header:{_HEADER}|cookie:{_COOKIE}", 72
)
HOST = Text(
    'a host such as shop.example.com, "*.example.com" or "*"',
    _HOST,
    253,
    str.lower,
    hints=((r":[0-9]+$", "a route has no port"), (r"/", "the path has a key of its own")),
)
PATH = Text(
    "a path such as /api/catalog",
    _NO_DOTS + _PATH,
    1024,
    without_end,
    hints=_PATH_HINTS,
)
ROUTE = Text(
    "a route such as shop.example.com or shop.example.com/api/",
    f"{_NO_DOTS}{_HOST}(?:{_PATH})?",
    1024 + 253,
    _route,
    hints=(
        (r"^/", 'begin with a host, "*" for any'),
        (r"://", "a route has no scheme"),
        (r"^[^/]*:", "a route has no port"),
        *_PATH_HINTS[1:],
    ),
    show=str,
)
REQUEST_PATH = Text(
    "a path such as /actuator/health",
    rf"{_NO_DOTS}{_PATH}(?:\?{_QUERY})?",
    1024,
    hints=_PATH_HINTS,
)
HEADER_HOST = Text("a host such as catalog.localhost", rf"{_NAME}(?::{_PORT})?", 253, str.lower)
LISTENER = Text(
    "an address and port such as 127.0.0.1:8080",
    f"{_IPV4}:{_PORT}",
    21,
    hints=(
        (r"^:", "0.0.0.0 stands for all addresses"),
        (r"^localhost:", "localhost is 127.0.0.1"),
        _IPV6_HINT,
    ),
)
LOOPBACK = Text(
    "a loopback address and port such as 127.0.0.1:7079",
    rf"127\.{_BYTE}\.{_BYTE}\.{_BYTE}:{_PORT}",
    21,
)
IMAGE = Text(
    "a container image such as nginx:1.27",
    "[a-z0-9][A-Za-z0-9._/:@-]*",
    512,
    hints=((r"^[A-Z]", "image names are lower case"),),
)
NETWORK = Text("a Docker network's name", "[A-Za-z0-9][A-Za-z0-9_.-]*", 255)
ENGINE = Text(
    "unix:///PATH or tcp://127.0.0.1:PORT",
    rf"unix:///[A-Za-z0-9_./+@=,~-]+|tcp://{_NAME}:{_PORT}",
    255,
    hints=((r"^/", "begin with unix://"), (r"^ssh:", "forward the socket with ssh -L instead")),
)
ECS_NAME = Text("an ECS name of letters, digits, - and _", "[A-Za-z0-9_-]+", 255)
ECS_CLUSTER = Text(
    "an ECS cluster's name or ARN",
    "[A-Za-z0-9_-]+|arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]+",
    512,
)
REGION = Text("a region such as eu-west-1", "[a-z]{2}(?:-[a-z]+)+-[0-9]", 32)
PROFILE = Text("a profile's name", r"[A-Za-z0-9_.@+-]+", 128)
QUEUE = Text(
    "the URL of an SQS queue",
    rf"https?://{_NAME}(?::{_PORT})?/[0-9]{{12}}/[A-Za-z0-9_.-]+",
    512,
)
CONTROLLER = Text(
    "a controller's URL such as ws://10.0.1.100:7700",
    rf"wss?://{_NAME}(?::{_PORT})?/?",
    300,
    hints=((r"^https?://", "begin with ws:// or wss://"),),
)
_URL_HINTS = (
    ("^[^/]*//[^/]*@", "credentials do not belong in the settings; name a token_file"),
    ("^(?!https?://)", "begin with http:// or https://"),
    ("#", "leave out what follows #"),
    _IPV6_HINT,
)
_WEB = rf"https?://{_NAME}(?::{_PORT})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
WEB_SERVER = Text("a URL such as http://127.0.0.1:9090", _WEB, 1024, hints=_URL_HINTS)
WEB_DOCUMENT = Text(
    "a URL such as http://127.0.0.1:9000/stats",
    rf"{_WEB}(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
    1024,
    hints=_URL_HINTS,
)
NODE = Text("a node's id", "[A-Za-z0-9][A-Za-z0-9._:/-]*", 255)
DNS_NAME = Text(
    "a name such as shop.example.com",
    rf"{_LABEL}(?:\.{_LABEL})+",
    253 - len(OWNER),
    str.lower,
    hints=((r"\*", "wildcards are not kept in DNS"), (r"\.$", "leave out the last dot")),
)
IP = Text("an IPv4 address such as 10.0.1.100", _IPV4, 15, hints=(_IPV6_HINT,))
SERVER = Text(
    "an address such as 10.0.0.2, or with a port 10.0.0.2:5353",
    f"{_IPV4}(?::{_PORT})?",
    21,
    hints=((r"[a-z]", "write the server's address, not its name"), _IPV6_HINT),
)
HOSTED_ZONE = Text("a hosted zone's id such as Z0123456789ABC", "Z[A-Z0-9]{1,31}", 32)
CLOUDFLARE_ZONE = Text("a zone's id of 32 hexadecimal digits", "[0-9a-f]{32}", 32)
LISTEN_PORT = Integer(1, 65535, "127.0.0.1:{}".format)
ADDRESS = Text(
    "an endpoint such as 10.0.0.5:8080",
    f"{_NAME}:{_PORT}",
    259,
    _endpoint,
    hints=((r"://", "leave out the scheme"), _IPV6_HINT, (r"^[^:]*$", "the port is missing")),
)


class PortRange(Text):
    """`write` and `read` are inverse: (20000, 29999) is "20000-29999"."""

    def read(self, at: At) -> tuple[int, int]:
        low, high = super().read(at)
        if not 1024 <= low <= high:
            raise at.unexpected("a range that begins at 1024 or above and does not end before")
        return low, high


PORTS = PortRange(
    "a range of ports such as 20000-29999",
    f"{_PORT}-{_PORT}",
    11,
    _first_and_last,
    show=lambda ports: f"{ports[0]}-{ports[1]}",
)


class Statuses(Kind):
    """One HTTP status, or a range of them: the first and the last."""

    shapes = ("integer", "text")
    expected = 'a status such as 200 or "200-399"'

    _one = Integer(100, 599, lambda status: (status, status))
    _range = Text(expected, "[1-5][0-9]{2}-[1-5][0-9]{2}", 7, _first_and_last)

    def read(self, at: At) -> tuple[int, int]:
        first, last = (self._one if self._one.fits(at) else self._range).read(at)
        if last < first:
            raise at.unexpected(self.expected)
        return first, last

    def schema(self) -> Schema:
        return {"anyOf": [self._one.schema(), self._range.schema()]}

    def write(self, value: tuple[int, int]) -> Any:
        first, last = value
        return first if first == last else f"{first}-{last}"


def merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order; ranges that overlap or meet become one."""
    made: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if made and first <= made[-1][1] + 1:
            made[-1] = made[-1][0], max(made[-1][1], last)
        else:
            made.append((first, last))
    return tuple(made)
