"""Compose files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from fairlead.core.setup import Container, Fact, ServiceSetup, Setup, TaskDefinition, merged
from fairlead.inspect.compose_parts import cpu_units, mebibytes, mounts, ports, seconds
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.interpolation import env_values, filled
from fairlead.inspect.markup import documents
from fairlead.inspect.values import Value

MAX_EXTENDS = 8
Beside = Callable[[str], str | None]
_TOP = frozenset(
    (
        "version",
        "name",
        "services",
        "networks",
        "volumes",
        "configs",
        "secrets",
        "include",
        "models",
    )
)
_ADDED = frozenset(("ports", "volumes", "expose", "environment", "env_file"))


def is_compose(whole: Value) -> bool:
    """Only members that Compose knows, and a service with an image or what to build it from."""
    names = {name for name, _ in whole.members() if not name.startswith("x-")}
    if "services" not in names or names - _TOP:
        return False
    made = (of.get("image", "build", "extends") for _, of in whole.get("services").members())
    return any(of.given for of in made)


def read_compose(file: str, whole: Value, beside: Beside) -> Setup:
    """Each service as a task definition of one container, and a service of kind `compose`."""
    env = _beside(file, ".env")
    known = env_values(env, beside(".env") or "")
    whole = filled(whole, known)
    found = [
        _service(file, name, _extended(file, of, whole, beside, 0), whole.get("volumes"))
        for name, of in whole.get("services").members()
        if isinstance(of.data, Mapping)
    ]
    return merged(tuple(found))


def _service(file: str, name: str, of: Value, volumes: Value) -> Setup:
    key = f"{file}:{name}"
    deploy = of.get("deploy")
    replicas = deploy.get("replicas")
    desired = (replicas if replicas.given else of.get("scale")).number()
    mode = of.get("network_mode").text()
    box = _container(name, of, volumes)
    task = TaskDefinition(key, name, mode, Fact(False, ()), containers=(box,), at=of.at)
    daemon = deploy.get("mode").data == "global"
    service = ServiceSetup(name, "compose", key, file, desired, daemon=daemon, key=key, at=of.at)
    return Setup(tasks=(task,), services=(service,))


def _container(name: str, of: Value, volumes: Value) -> Container:
    limits = of.get("deploy").get("resources").get("limits")
    reserved = of.get("deploy").get("resources").get("reservations")
    return Container(
        name,
        of.get("image").text(),
        tuple(ports(of.get("ports"))),
        mebibytes(_either(of.get("mem_limit"), limits.get("memory"))),
        mebibytes(_either(of.get("mem_reservation"), reserved.get("memory"))),
        cpu_units(_either(of.get("cpus"), limits.get("cpus"))),
        seconds(of.get("stop_grace_period")),
        _checked(of.get("healthcheck")),
        tuple(mounts(of.get("volumes"), volumes)),
        dict(_variables(of.get("environment"))),
        labels=dict(_variables(of.get("labels"))),
        at=of.at,
    )


def _either(first: Value, second: Value) -> Value:
    return first if first.given else second


def _checked(of: Value) -> Fact[bool]:
    if not of.given or of.unknown:
        return of.flag()
    test = of.get("test")
    off = of.get("disable").flag().value or [i.data for i in test.items()][:1] == ["NONE"]
    return Fact(not off, of.origin)


def _variables(of: Value) -> Iterator[tuple[str, str]]:
    """Those whose value is known."""
    yield from of.texts()
    for item in of.items() if isinstance(of.data, tuple) else ():
        name, given, text = (item.text().value or "").partition("=")
        if given:
            yield name, text


def _extended(file: str, of: Value, whole: Value, beside: Beside, depth: int) -> Value:
    """With what it takes from another service, of this file or one beside it."""
    given = of.get("extends")
    if not given.given or depth > MAX_EXTENDS:
        return of
    name = shown(given.get("service")) if isinstance(given.data, Mapping) else shown(given)
    other, place = whole, shown(given.get("file"))
    if place:
        text = beside(place)
        found = documents(_beside(file, place), text) if text else ()
        other = found[0] if found else Value()
    base = other.get("services").get(name)
    if not isinstance(base.data, Mapping):
        return of
    return _joined(_extended(file, base, other, beside, depth + 1), of)


def _joined(base: Value, over: Value) -> Value:
    """Members of the second override those of the first; lists of ports and the like add up."""
    members = dict(base.members())
    for name, value in over.members():
        before = members.get(name, Value())
        lists = isinstance(before.data, tuple) and isinstance(value.data, tuple)
        if isinstance(before.data, Mapping) and isinstance(value.data, Mapping):
            members[name] = _joined(before, value)
        elif lists and name in _ADDED:
            members[name] = replace(value, data=(*before.items(), *value.items()))
        else:
            members[name] = value
    return replace(over, data=members)


def _beside(file: str, name: str) -> str:
    folder, slash, _ = file.rpartition("/")
    return f"{folder}{slash}{name.removeprefix('./')}"
