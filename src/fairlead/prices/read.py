"""Price files: the one in this package, and one of the user's laid over it.

A file of the user's has the same form and needs only what differs: a region of its own, one price.
Each price is `{"usd": "0.0104"}`, with `how`, `sources` and `note` where there is something to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from fairlead.core.costs.prices import (
    ALWAYS,
    EVERYWHERE,
    FREE_TIERS,
    MISSING,
    REGIONAL,
    Book,
    Credits,
    Machine,
    Price,
)
from fairlead.core.errors import BadInput
from fairlead.files import read_given

FORMAT = "fairlead-prices/1"
LARGEST = 2 << 20
"""Bytes of a price file."""
HIGHEST = Decimal(10**6)
"""Dollars, and units of what is free."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Price(_Strict):
    usd: Decimal | None = None
    how: Literal["found", "derived", "recalled", "missing"] = "found"
    sources: list[str] = []
    note: str = ""


class _Source(_Strict):
    where: str
    date: str


class _Machine(_Strict):
    vcpu: int
    memory_mib: int
    arch: Literal["x86_64", "arm64"]
    registered_mib: int = 0
    sources: list[str] = []
    note: str = ""


class _Free(_Strict):
    quantity: Decimal
    how: Literal["found", "recalled"] = "found"
    sources: list[str] = []
    note: str = ""


class _Credits(_Strict):
    sign_up_usd: Decimal
    activities_usd: Decimal
    free_plan_months: int
    sources: list[str] = []
    note: str = ""


class _File(_Strict):
    format: Literal["fairlead-prices/1"]
    checked: str
    currency: Literal["USD"] = "USD"
    about: str = ""
    sources: dict[str, _Source] = {}
    types: dict[str, _Machine] = {}
    allowances: dict[str, dict[str, _Free]] = {}
    credits: _Credits | None = None
    everywhere: dict[str, _Price] = {}
    regions: dict[str, dict[str, _Price]] = {}


def builtin() -> Book:
    """The prices that come with fairlead."""
    data = files(__package__).joinpath("prices.json").read_bytes()
    return parse(data, "prices.json of fairlead")


def load(path: Path | None) -> Book:
    """Those of fairlead, with the file's laid over them. BadInput names the file and the place."""
    if path is None:
        return builtin()
    return overlaid(builtin(), parse(read_given(path, "prices", LARGEST), str(path)))


def overlaid(below: Book, above: Book) -> Book:
    """What `above` says holds; what it does not say stays as it is `below`."""
    regions = {
        name: {**below.regions.get(name, {}), **above.regions.get(name, {})}
        for name in (*below.regions, *above.regions)
    }
    free = {
        tier: {**below.free.get(tier, {}), **above.free.get(tier, {})}
        for tier in (*below.free, *above.free)
    }
    return replace(
        below,
        checked=f"{below.checked} (fairlead's), {above.checked} (your file's)",
        regions=regions,
        everywhere={**below.everywhere, **above.everywhere},
        machines={**below.machines, **above.machines},
        free=free,
        credits=above.credits if above.credits.plan_months else below.credits,
        sources={**below.sources, **above.sources},
    )


def parse(data: bytes, name: str) -> Book:
    """BadInput says where in the file something is wrong, and what."""
    try:
        file = msgspec.json.decode(data, type=_File)
        return _book(file)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadInput(f"{name}: not a price file: {error}") from error
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error


def _book(file: _File) -> Book:
    machines = {name: _machine(name, each) for name, each in file.types.items()}
    regions = {
        region: {key: _price(f"{region}, {key}", key, price, REGIONAL) for key, price in of.items()}
        for region, of in file.regions.items()
    }
    everywhere = {
        key: _price(f"everywhere, {key}", key, price, EVERYWHERE)
        for key, price in file.everywhere.items()
    }
    free = {tier: _free(tier, of) for tier, of in file.allowances.items()}
    sources = {name: f"{each.where}, {each.date}" for name, each in file.sources.items()}
    return Book(file.checked, regions, everywhere, machines, free, _credits(file.credits), sources)


def _price(place: str, key: str, price: _Price, known: tuple[str, ...]) -> Price:
    _check_key(place, key, known, instances=known is REGIONAL)
    if price.usd is None:
        return Price(None, MISSING, tuple(price.sources), price.note)
    if price.how == MISSING:
        raise BadInput(f"{place}: usd is {price.usd}, and how is missing: leave one out")
    return Price(_bounded(place, price.usd), price.how, tuple(price.sources), price.note)


def _check_key(place: str, key: str, known: tuple[str, ...], *, instances: bool) -> None:
    parts = key.split(".")
    if key in known or (instances and len(parts) == 4 and (parts[0], parts[3]) == ("ec2", "hour")):
        return
    near = get_close_matches(key, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})"
    raise BadInput(f"{place}: no such price{hint}")


def _bounded(place: str, number: Decimal) -> Decimal:
    if not (number.is_finite() and 0 <= number <= HIGHEST):
        raise BadInput(f"{place}: {number} is not between 0 and {HIGHEST:,}")
    if isinstance(exponent := number.as_tuple().exponent, int) and exponent < -12:
        raise BadInput(f"{place}: more than 12 digits after the point")
    return number


def _machine(name: str, given: _Machine) -> Machine:
    for what, number in (("vcpu", given.vcpu), ("memory_mib", given.memory_mib)):
        if not 0 < number <= 1 << 25:
            raise BadInput(f"types, {name}: {what} {number} is not between 1 and {1 << 25}")
    if not 0 <= given.registered_mib <= given.memory_mib:
        raise BadInput(f"types, {name}: registered_mib is more than the memory, or less than 0")
    return Machine(given.vcpu, given.memory_mib, given.arch, given.registered_mib)


def _free(tier: str, of: Mapping[str, _Free]) -> dict[str, Decimal]:
    if tier not in (ALWAYS, *FREE_TIERS):
        raise BadInput(f"allowances: no free tier {tier!r} (known: {ALWAYS}, 12-months, credits)")
    for key in of:
        _check_key(f"allowances, {tier}, {key}", key, (*REGIONAL, *EVERYWHERE), instances=True)
    return {key: _bounded(f"allowances, {tier}, {key}", each.quantity) for key, each in of.items()}


def _credits(given: _Credits | None) -> Credits:
    if given is None:
        return Credits()
    return Credits(
        _bounded("credits, sign_up_usd", given.sign_up_usd),
        _bounded("credits, activities_usd", given.activities_usd),
        given.free_plan_months,
        given.note,
    )
