"""Container labels that make a service: `fairlead.service`, `fairlead.host`, `fairlead.path` …

Whoever may start a container writes them, so they are hostile until they match. What passes here
holds no space, quote, `;`, `{`, `$`, backslash or control character, as in fairlead.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairlead.core.errors import BadInput
from fairlead.core.model import CheckKind, HealthCheck, Route

PREFIX = "fairlead."
KNOWN = ("service", "host", "path", "strip", "port", "health")
MOST_ROUTES = 32

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SEGMENT = "[A-Za-z0-9._~!&()*+,=:@-]+"
_PATH = f"/(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?"
_NO_DOTS = r"(?!.*\.\.)(?!.*/\.(?:/|\?|$))"
_QUERY = r"(?:\?[A-Za-z0-9._~!&()*+,=:@/?%-]*)?"
_NAME = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(rf"\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_ROUTE_PATH = re.compile(_NO_DOTS + _PATH)
_HEALTH = re.compile(_NO_DOTS + _PATH + _QUERY)
_PORT = re.compile("[1-9][0-9]{0,4}")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the labels of one container say. `port` is inside the container, 0 when not said."""

    service: str
    routes: tuple[Route, ...] = ()
    port: int = 0
    health: HealthCheck = field(default_factory=HealthCheck)


def read_labels(labels: Mapping[str, str], name: str = "") -> Labelled | None:
    """The service that the labels ask for, `name` where they give none; None without any.

    Unknown labels of the prefix are an error too: a misspelt one must not be passed over. Hosts
    and paths may be several, with commas between; each host leads there by each path. BadInput
    says which label is wrong, and how it must look.
    """
    own = {k[len(PREFIX) :]: v for k, v in labels.items() if k.startswith(PREFIX)}
    if not own:
        return None
    for key in own.keys() - set(KNOWN):
        raise BadInput(
            f"label {PREFIX}{_shown(key)} is unknown; known are "
            + ", ".join(PREFIX + known for known in KNOWN)
        )
    return Labelled(
        _match(own, "service", _NAME, "lower-case letters, digits, hyphens", name),
        tuple(_routes(own)),
        _port(own),
        _health(own),
    )


def _routes(own: Mapping[str, str]) -> Iterator[Route]:
    if "host" not in own:
        if own.keys() & {"path", "strip"}:
            raise BadInput(f"label {PREFIX}path is of use only with {PREFIX}host")
        return
    strip = _flag(own, "strip")
    hosts, paths = own["host"].split(","), own.get("path", "/").split(",")
    if len(hosts) * len(paths) > MOST_ROUTES:
        raise BadInput(f"labels {PREFIX}host and {PREFIX}path make over {MOST_ROUTES} routes")
    for text in hosts:
        host = _one("host", text.strip(), _HOST, "a host such as shop.example.com", 253)
        for path in paths:
            good = _one("path", path.strip(), _ROUTE_PATH, "a path such as /api/catalog", 1024)
            yield Route(host.lower(), good.rstrip("/") or "/", strip)


def _port(own: Mapping[str, str]) -> int:
    port = int(_match(own, "port", _PORT, "a port from 1 to 65535", "") or 0)
    if port > 65535:
        raise BadInput(f"label {PREFIX}port: {port} is no port from 1 to 65535")
    return port


def _health(own: Mapping[str, str]) -> HealthCheck:
    """A path makes an HTTP check, `tcp` or nothing one that only connects."""
    text = own.get("health", "tcp")
    if text == "tcp":
        return HealthCheck()
    path = _one("health", text, _HEALTH, "tcp, or a path such as /actuator/health", 1024)
    return HealthCheck(kind=CheckKind.HTTP, path=path)


def _flag(own: Mapping[str, str], key: str) -> bool:
    text = own.get(key, "false")
    if text not in _FLAGS:
        raise BadInput(f"label {PREFIX}{key}: {_shown(text)} is neither true nor false")
    return _FLAGS[text]


def _match(
    own: Mapping[str, str], key: str, pattern: re.Pattern[str], wanted: str, default: str
) -> str:
    text = own.get(key, default)
    return text if key not in own and not text else _one(key, text, pattern, wanted, 63)


def _one(key: str, text: str, pattern: re.Pattern[str], wanted: str, longest: int) -> str:
    if len(text) > longest or not pattern.fullmatch(text):
        raise BadInput(f"label {PREFIX}{key}: {_shown(text)} is not {wanted}")
    return text


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 64 else text[:61] + "...")
