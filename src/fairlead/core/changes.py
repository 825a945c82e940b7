"""The difference of two clusters in words, for `fairlead apply`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from fairlead.core.model import Cluster, Service
from fairlead.core.scaling import words
from fairlead.core.scaling.policy import Scale

_ROLLS = ("run", "env", "cwd")
_TOLD_ELSEWHERE = {"name", "replicas", *_ROLLS}


def describe(old: Cluster, new: Cluster) -> list[str]:
    """What changes from `old` to `new`, a line each, services by name; nothing when nothing does.

    Values of the environment are never told: they may be secrets.
    """
    before = {service.name: service for service in old.services}
    after = {service.name: service for service in new.services}
    lines = [*_cluster(old, new)]
    for name in sorted(before | after):
        lines += (f"{name}: {change}" for change in _service(before.get(name), after.get(name)))
    return lines


def _cluster(old: Cluster, new: Cluster) -> Iterator[str]:
    if old.name != new.name:
        yield f"cluster: {old.name} -> {new.name}"
    if old.platform != new.platform:
        yield f"platform: {old.platform} -> {new.platform}"
    if old.ports != new.ports:
        yield f"ports: {_range(old.ports)} -> {_range(new.ports)} for new endpoints"
    if changed := _changed(old.front, new.front):
        yield f"{_listed(changed)} changed: nginx reloads once"


def _service(old: Service | None, new: Service | None) -> Iterator[str]:
    if old is None or new is None:
        yield "removed" if new is None else "added"
        return
    if old.replicas != new.replicas and (not new.scale or new.scale == old.scale):
        yield f"{'first count' if new.scale else 'replicas'} {old.replicas} -> {new.replicas}"
    if reasons := [name for name in _ROLLS if getattr(old, name) != getattr(new, name)]:
        yield f"{_listed(reasons)} changed, rolls"
    others = [name for name in _changed(old, new) if name not in _TOLD_ELSEWHERE]
    yield from (line for name in others for line in _field(name, old, new))


def _field(name: str, old: Service, new: Service) -> Iterator[str]:
    """One line for a plain field, a line for each changed part of health, traffic and roll."""
    before, after = getattr(old, name), getattr(new, name)
    if name in {"health", "traffic", "roll"}:
        prefix = "" if name == "traffic" else f"{name}."
        for part in _changed(before, after):
            yield _told(prefix + part, getattr(before, part), getattr(after, part))
    elif name in {"routes", "endpoints"}:
        yield from _set_change(name.removesuffix("s"), before, after)
    elif name == "scale":
        yield from _scale(before, after)
    else:
        yield _told(name, before, after)


def _scale(before: Scale | None, after: Scale | None) -> Iterator[str]:
    if before and after:
        yield from words.changes(before, after)
    else:
        yield f"scaled: {words.summary(after)}" if after else "not scaled any more"


def _set_change(word: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[str]:
    old, new = ({_short(one): one for one in group} for group in (before, after))
    yield from (f"{word} {name} added" for name in new if name not in old)
    yield from (f"{word} {name} removed" for name in old if name not in new)
    yield from (f"{word} {name} changed" for name in new if name in old and old[name] != new[name])
    if old == new:
        yield f"{word}s reordered"


def _told(name: str, before: Any, after: Any) -> str:
    if isinstance(before, tuple):
        return f"{name} changed"
    return f"{name} {_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}s" if isinstance(value, float) else str(value) or "none"


def _short(one: Any) -> str:
    return f"{one.host}:{one.port}" if hasattr(one, "port") else str(one)


def _changed(old: Any, new: Any) -> list[str]:
    names = (field.name for field in fields(old))
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def _range(ports: tuple[int, int]) -> str:
    return f"{ports[0]}-{ports[1]}"


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
