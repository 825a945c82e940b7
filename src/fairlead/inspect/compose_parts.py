"""Ports, volumes and amounts in all the ways in which Compose lets them be written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fairlead.core.setup import Fact, Mount, Port
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.values import Value

MOST_PORTS = 200  # of one range
_SCALES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_AMOUNT = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*([bkmgt]?)i?b?\s*", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def ports(of: Value) -> Iterator[Port]:
    for item in of.items() if not of.unknown else (of,):
        if isinstance(item.data, Mapping):
            yield _long(item)
        else:
            yield from _short(item)


def _long(of: Value) -> Port:
    protocol = of.get("protocol").text().value or "tcp"
    host = of.get("published")
    several = isinstance(host.data, str) and "-" in host.data
    picked: Fact[int] = Fact(0, host.origin)
    return Port(of.get("target").number(), picked if several else host.number(), protocol, of.at)


def _short(of: Value) -> Iterator[Port]:
    """`[[address:]host:]container[/protocol]`; a range of hosts for one container leaves the choice
    to the engine."""
    text, _, protocol = shown(of).partition("/")
    *before, inside = _parts(text)
    outside = before[-1] if before else ""
    containers = _numbers(inside)
    several = containers is not None and len(containers) == 1 and _RANGE.fullmatch(outside)
    hosts = () if several and "-" in outside else _numbers(outside)
    if hosts is None or containers is None:
        yield Port(_one(of, inside), _one(of, outside), protocol or "tcp", of.at)
        return
    if len(hosts) != len(containers):
        hosts = (0,) * len(containers)
    origin = of.origin if outside else ()
    for host, container in zip(hosts, containers, strict=True):
        given = Fact(host if outside else None, origin)
        yield Port(Fact(container, of.origin), given, protocol or "tcp", of.at)


def _parts(text: str) -> list[str]:
    """Parts between colons; those within variables and IPv6 addresses separate nothing."""
    marks: list[str] = []

    def kept(found: re.Match[str]) -> str:
        marks.append(found.group())
        return "\0"

    whole = re.sub(r"\$\{[^}]*\}|\[[^\]]*\]", kept, text)
    rest = iter(marks)
    return [re.sub("\0", lambda _: next(rest), part) for part in whole.split(":")]


def _numbers(text: str) -> tuple[int, ...] | None:
    """Those of a range; none for an empty text, None where it cannot be read."""
    if not text:
        return ()
    match = _RANGE.fullmatch(text.strip())
    if not match:
        return None
    first = int(match[1])
    last = int(match[2] or first)
    return tuple(range(first, last + 1)) if first <= last < first + MOST_PORTS else None


def _one(of: Value, text: str) -> Fact[int]:
    if text.strip().isdecimal():
        return Fact(int(text), of.origin)
    return Fact(None, of.origin, of.unknown or "it is not a port") if text else Fact()


def mounts(of: Value, volumes: Value) -> Iterator[Mount]:
    """`volumes` are those that the file declares."""
    for item in of.items():
        yield (
            _long_mount(item, volumes)
            if isinstance(item.data, Mapping)
            else _short_mount(item, volumes)
        )


def _long_mount(of: Value, volumes: Value) -> Mount:
    source, path = shown(of.get("source", "src")), shown(of.get("target", "dst", "destination"))
    kind = of.get("type").text().value
    read_only = bool(of.get("read_only").flag().value)
    found = "ephemeral" if kind == "tmpfs" else _kind(source, kind == "bind", volumes)
    return Mount(found, source, path, read_only, of.at)


def _short_mount(of: Value, volumes: Value) -> Mount:
    parts = _parts(shown(of))
    if len(parts) == 1:
        return Mount("ephemeral", "", parts[0], False, of.at)
    read_only = len(parts) > 2 and "ro" in parts[2].split(",")
    bound = parts[0][:1] in (".", "/", "~", "$")
    return Mount(_kind(parts[0], bound, volumes), parts[0], parts[1], read_only, of.at)


def _kind(source: str, bound: bool, volumes: Value) -> str:
    if source.endswith("docker.sock"):
        return "socket"
    if bound or not source:
        return "host" if bound else "ephemeral"
    declared = volumes.get(source)
    driver = declared.get("driver").text()
    network = shown(declared.get("driver_opts").get("type"))[:3] in ("nfs", "cif", "smb")
    return "shared" if network or driver.or_("local") != "local" else "docker"


def mebibytes(of: Value) -> Fact[int]:
    match = _AMOUNT.fullmatch(shown(of)) if of.given and not of.unknown else None
    if not match:
        return of.number() if of.unknown or not of.given else Fact(None, of.origin, "no amount")
    size = float(match[1]) * _SCALES[match[2].lower()]
    return Fact(int(size) >> 20, of.origin)


def cpu_units(of: Value) -> Fact[int]:
    """Cores as units of 1/1024."""
    if of.unknown or not of.given:
        return of.number()
    match = re.fullmatch(r"\d{1,4}(\.\d{1,9})?|\.\d{1,9}", shown(of))
    return Fact(int(float(match[0]) * 1024), of.origin) if match else Fact(None, of.origin, "cpus")


def seconds(of: Value) -> Fact[int]:
    """A duration such as `1m30s`."""
    if of.unknown or not of.given or isinstance(of.data, int):
        return of.number()
    text = shown(of)
    parts = _SPAN.findall(text)
    if not parts or "".join(a + u for a, u in parts) != text:
        return Fact(None, of.origin, "it is not a duration")
    return Fact(int(sum(float(a) * _SECONDS[u] for a, u in parts)), of.origin)
