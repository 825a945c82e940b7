"""Which resource a value means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fairlead.inspect.values import Resource, Value


class Links:
    """The resources of one root module. `mark` keeps its keys apart from those of others."""

    def __init__(self, resources: Sequence[Resource], mark: str = "") -> None:
        self.all, self._mark = tuple(resources), mark
        self._kinds: dict[str, dict[str, Resource]] = {}
        for resource in resources:
            self._kinds.setdefault(resource.kind, {})[resource.address] = resource

    def key(self, address: str) -> str:
        return self._mark + address if address else ""

    def of(self, *kinds: str) -> Iterator[Resource]:
        for kind in kinds:
            yield from self._kinds.get(kind, {}).values()

    def found(self, value: Value, *kinds: str) -> list[Resource]:
        """Those of these kinds that the value comes from; an address without an index means all of
        its instances, where the value names none of them."""
        return self.referred(value.refers, *kinds)

    def referred(self, refers: Iterable[str], *kinds: str) -> list[Resource]:
        exact: dict[str, Resource] = {}
        loose: dict[str, Resource] = {}
        for address in refers:
            for kind in kinds:
                known = self._kinds.get(kind, {})
                if address in known:
                    exact[address] = known[address]
                else:
                    starts = _starts(address)
                    loose |= {a: r for a, r in known.items() if a.startswith(starts)}
        return list((exact or loose).values())

    def one(self, value: Value, *kinds: str) -> Resource | None:
        """The one that it means; None where that is none, or could be several."""
        found = self.found(value, *kinds)
        return found[0] if len(found) == 1 else None

    def key_of(self, value: Value, *kinds: str) -> str:
        found = self.one(value, *kinds)
        return self.key(found.address) if found else ""

    def keys_of(self, value: Value, *kinds: str) -> tuple[tuple[str, ...], bool]:
        """Those of a list, and whether each of its elements was found."""
        if value.unknown:
            found = self.found(value, *kinds)
            return tuple(self.key(r.address) for r in found), False
        keys = [self.key_of(item, *kinds) for item in flat(value)]
        return tuple(dict.fromkeys(key for key in keys if key)), all(keys)


def _starts(address: str) -> tuple[str, ...]:
    """How addresses begin that this may mean: its instances, or where it is an output of a module
    that is not read, what that makes."""
    owner, _, name = address.rpartition(".")
    called = owner.startswith("module.") and owner.rpartition(".")[0].endswith("module")
    if owner == "module" or owner.endswith(".module"):
        return (f"{address}[",)
    return (f"{address}[", f"{owner}.") if called and name else (f"{address}[",)


def flat(value: Value) -> tuple[Value, ...]:
    """The elements of a list, and those of lists in it: `["${a.*.id}"]` once meant the same."""
    return tuple(x for item in value.items() for x in (item.items() or (item,)))


def blocks(value: Value) -> tuple[Value, ...]:
    """Blocks of a kind, or the elements of an attribute that stands for them; unknown ones too."""
    if value.unknown:
        return (value,)
    return value.items()


def block(settings: Value, *path: str) -> Value:
    """The first block of a kind within the first of another."""
    value = settings
    for name in path:
        inner = blocks(value.get(name))
        value = inner[0] if inner else Value()
    return value
