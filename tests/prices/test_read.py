"""Price files: the one that comes with fairlead, those of users, and what is no price file."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.costs.prices import EVERYWHERE, MISSING, RECALLED, REGIONAL
from fairlead.core.errors import BadInput
from fairlead.prices.read import LARGEST, builtin, load, parse

OWN = json.loads(files("fairlead.prices").joinpath("prices.json").read_bytes())


def overlay(**more: Any) -> bytes:
    return json.dumps({"format": "fairlead-prices/1", "checked": "2026-10-01", **more}).encode()


def ireland(price: dict[str, Any], key: str = "alb.hour") -> bytes:
    return overlay(regions={"eu-west-1": {key: price}})


def test_every_region_has_every_price_or_says_that_it_is_missing() -> None:
    book = builtin()
    assert len(book.regions) == 7
    for prices in book.regions.values():
        hours = {f"ec2.{name}.hour" for name in book.machines}
        assert set(prices) == {*REGIONAL, *hours}
    assert set(book.everywhere) == set(EVERYWHERE)


def test_what_was_found_has_a_source_that_is_listed_with_its_date() -> None:
    for of in (OWN["everywhere"], *OWN["regions"].values()):
        for key, price in of.items():
            if price.get("how", "found") in {"found", "derived"}:
                assert price["sources"], key
            assert set(price.get("sources", ())) <= set(OWN["sources"]), key
    assert all(source["where"] and source["date"] for source in OWN["sources"].values())


def test_every_source_is_used() -> None:
    text = json.dumps({key: value for key, value in OWN.items() if key != "sources"})
    assert [name for name in OWN["sources"] if f'"{name}"' not in text] == []


def test_prices_keep_their_digits_and_how_they_are_known() -> None:
    brazil = builtin().region("sa-east-1")
    assert str(brazil["alb.hour"].usd) == "0.034"
    assert brazil["fargate.x86_vcpu_hour"].how == RECALLED
    assert brazil["dynamodb.write_million"].how == MISSING
    assert brazil["no.such"].usd is None


def test_a_file_is_laid_over_what_comes_with_fairlead(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(ireland({"usd": "0.02", "sources": ["contract"]}))
    book = load(file)
    assert book.region("eu-west-1")["alb.hour"].usd == Decimal("0.02")
    assert book.region("eu-west-1")["alb.lcu_hour"] == builtin().region("eu-west-1")["alb.lcu_hour"]
    assert book.region("us-east-1") == book.region("us-east-1")
    assert "2026-09-25" in book.checked
    assert "2026-10-01" in book.checked


def test_a_file_may_bring_a_region_and_a_type() -> None:
    machine = {"vcpu": 2, "memory_mib": 1024, "arch": "x86_64"}
    data = overlay(types={"t3a.micro": machine}, regions={"eu-west-3": {}})
    book = parse(data, "mine.json")
    assert book.machines["t3a.micro"].offered == 916
    assert book.region("eu-west-3")["alb.hour"].how == MISSING


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a price file"),
        (b"\xff\xfe", "not a price file"),
        (b"[" * 100_000, "not a price file"),
        (b"{}", "missing required field"),
        (overlay(extra=1), "unknown field"),
        (overlay(currency="EUR"), "currency"),
        (overlay(regions={"eu-west-1": {"alb.hours": {"usd": "1"}}}), "did you mean 'alb.hour'"),
        (overlay(everywhere={"alb.hour": {"usd": "1"}}), "everywhere, alb.hour: no such price"),
        (overlay(everywhere={"ec2.t3.micro.hour": {"usd": "1"}}), "no such price"),
        (ireland({"usd": "-1"}), "eu-west-1, alb.hour: -1 is not between"),
        (ireland({"usd": "NaN"}), "is not between 0 and 1,000,000"),
        (ireland({"usd": "Infinity"}), "is not between"),
        (ireland({"usd": "1e999999"}), "is not between"),
        (ireland({"usd": "1e-999999"}), "more than 12 digits"),
        (ireland({"usd": True}), "Expected"),
        (ireland({"usd": "1", "how": "missing"}), "leave one out"),
        (ireland({"usd": "1", "how": "guessed"}), "how"),
        (overlay(allowances={"forever": {}}), "no free tier 'forever'"),
        (overlay(allowances={"always": {"x": {"quantity": 1}}}), "no such price"),
        (overlay(types={"x": {"vcpu": 0, "memory_mib": 1, "arch": "arm64"}}), "vcpu 0"),
        (
            overlay(
                types={"x": {"vcpu": 1, "memory_mib": 9, "arch": "arm64", "registered_mib": 10}}
            ),
            "registered_mib",
        ),
    ],
)
def test_what_is_wrong_is_named(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=r"^mine\.json: ") as raised:
        parse(data, "mine.json")
    assert said in str(raised.value)


def test_a_file_that_cannot_be_read_or_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        load(tmp_path / "none.json")
    long = tmp_path / "long.json"
    long.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(BadInput, match="longer than 2 MiB"):
        load(long)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["usd", "how", "eu-west-1", "alb.hour", "always", "quantity", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
FIELDS = ("types", "allowances", "credits", "everywhere", "regions", "sources")


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_json_is_a_price_file_or_bad_input(fields: dict[str, Any]) -> None:
    try:
        book = parse(overlay(**fields), "any.json")
    except BadInput:
        return
    assert book.checked == "2026-10-01"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_price_file_or_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse(data, "any.json")
