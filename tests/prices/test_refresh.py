"""AWS's price lists, read from a server on this machine: what is taken, and what is refused."""

from __future__ import annotations

import asyncio
import json
import runpy
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.errors import BadInput, WireError
from fairlead.prices.offers import OFFERS, Reader, wanted
from fairlead.prices.read import load
from fairlead.prices.refresh import Fetched, Lists, fetch
from fairlead.prices.write import write

STAND = runpy.run_path(str(Path(__file__).parent / "lists.py"))
csv_list, row = STAND["csv_list"], STAND["row"]


@pytest.fixture
def served() -> Any:
    return STAND["PriceLists"]()


async def fetched(served: Any, **bounds: Any) -> Fetched:
    async with STAND["serving"](served) as url:
        lists = replace(Lists(url), **bounds)
        return await fetch("eu-west-1", ["t3.micro", "t3.nano"], lists, lambda _: None)


async def test_each_price_is_taken_from_its_own_row(served: Any) -> None:
    found = await fetched(served)
    usd = {key: price.usd for key, price in found.prices.items()}
    assert usd == {
        "fargate.x86_vcpu_hour": Decimal("0.0405"),
        "fargate.x86_gb_hour": Decimal("0.00445"),
        "fargate.arm_vcpu_hour": Decimal("0.0324"),
        "fargate.arm_gb_hour": Decimal("0.00356"),
        "alb.hour": Decimal("0.026"),
        "alb.lcu_hour": Decimal("0.008"),
        "ipv4.hour": Decimal("0.005"),
        "logs.ingest_gb": Decimal("0.57"),
        "dynamodb.write_million": Decimal("0.705"),
        "data.out_gb": Decimal("0.09"),
        "nat.hour": Decimal("0.048"),
        "nat.gb": Decimal("0.048"),
        "ebs.gp3_gb_month": Decimal("0.088"),
        "ec2.t3.micro.hour": Decimal("0.0114"),
    }
    assert found.without == ["ec2.t3.nano.hour"]
    assert served.paths == [f"/offers/v1.0/aws/{o}/current/eu-west-1/index.csv" for o in OFFERS]
    assert "20261001000000" in found.sources["AmazonEC2"]


async def test_a_price_that_a_list_has_twice_is_not_taken(served: Any) -> None:
    rows = [*STAND["WHOLE"]["AmazonVPC"], row("EU-PublicIPv4:InUseAddress", "0.006")]
    rows.append(row("EU-PublicIPv4:Other", "1"))
    served.bodies["AmazonVPC"] = csv_list("AmazonVPC", rows)
    found = await fetched(served)
    assert "ipv4.hour" not in found.prices
    assert "ipv4.hour" in found.without


async def test_the_same_price_twice_is_one(served: Any) -> None:
    rows = STAND["WHOLE"]["AmazonVPC"] * 2
    served.bodies["AmazonVPC"] = csv_list("AmazonVPC", rows)
    assert (await fetched(served)).prices["ipv4.hour"].usd == Decimal("0.005")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no price that is looked for"),
        (b"<html><body>no</body></html>\n", "no price that is looked for"),
        (b"a,b,c\n1,2,3\n", "this is no price list: a, b, c"),
        (b'"SKU","usageType"\n', "no column termtype"),
        (b'"SKU","open\n', "no CSV"),
        (b"x" * 70_000, "a line is longer"),
        (csv_list("X", [row("EU-PublicIPv4:InUseAddress", "free")]), "'free', which is no number"),
        (csv_list("X", [row("EU-PublicIPv4:InUseAddress", "-1")]), "'-1', which is no number"),
        (csv_list("X", [row("EU-PublicIPv4:InUseAddress", "NaN")]), "no number"),
        (csv_list("X", [row("PublicIPv4:Idle", "1")]), "no price that is looked for"),
        (csv_list("X", [])[:-3], "no CSV: unexpected end"),
    ],
)
async def test_what_is_no_price_list_is_refused(served: Any, body: bytes, said: str) -> None:
    served.bodies["AmazonVPC"] = body
    with pytest.raises(BadInput) as raised:
        await fetched(served)
    assert said in str(raised.value)


async def test_a_status_a_cut_and_a_bound_are_told(served: Any) -> None:
    with pytest.raises(WireError, match="longer than 100 bytes"):
        await fetched(served, largest=100)
    served.cut = True
    with pytest.raises(WireError, match="AmazonECS"):
        await fetched(served)
    served.status = 404
    with pytest.raises(WireError, match="status 404: is there such a region"):
        await fetched(served)


async def test_a_server_that_says_nothing_is_left_after_the_timeout() -> None:
    over = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(WireError, match="not whole within"):
            await fetch("eu-west-1", [], Lists(url, timeout=0.05), lambda _: None)
        over.set()


async def test_a_name_that_is_no_region_is_refused() -> None:
    with pytest.raises(BadInput, match="no region's name"):
        await fetch("../../x", [], Lists("http://127.0.0.1:1"), lambda _: None)


async def test_what_was_fetched_is_a_price_file(served: Any, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    found = await fetched(served)
    write(file, "eu-west-1", found, "2026-10-02")
    prices = load(file).region("eu-west-1")
    assert prices["alb.hour"].usd == Decimal("0.026")
    assert prices["alb.hour"].sources == ("AWSELB eu-west-1",)
    assert prices["ec2.t3.nano.hour"].usd == Decimal("0.0057")
    write(file, "eu-west-3", found, "2026-10-03")
    document = json.loads(file.read_text())
    assert set(document["regions"]) == {"eu-west-1", "eu-west-3"}
    assert document["checked"] == "2026-10-03"


async def test_a_file_that_is_no_price_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(BadInput, match="not a price file"):
        write(file, "eu-west-1", Fetched({}, {}, []), "2026-10-02")
    assert file.read_text() == "mine"
    with pytest.raises(BadInput, match="cannot write"):
        write(tmp_path / "none" / "prices.json", "x", Fetched({}, {}, []), "2026-10-02")


cells = st.sampled_from(
    ["", "OnDemand", "USD", "0", "1", "EU-LoadBalancerUsage", "LoadBalancing:Application", "x", "-"]
)


@given(st.lists(st.lists(cells, max_size=14), max_size=10))
def test_any_rows_are_taken_or_refused(rows: list[list[str]]) -> None:
    reader = Reader("AWSELB", wanted("AWSELB", []))
    reader.take(STAND["COLUMNS"].split(","))
    try:
        for each in rows:
            reader.take(each)
        found = dict(reader.prices())
    except BadInput:
        return
    assert found["alb.hour"].usd in {0, 1}


@given(st.lists(st.lists(st.text(max_size=20), max_size=8), max_size=5))
def test_any_head_is_taken_or_refused(rows: list[list[str]]) -> None:
    reader = Reader("AWSELB", wanted("AWSELB", []))
    with suppress(BadInput):
        for each in rows:
            reader.take(each)
    with pytest.raises(BadInput, match="AWSELB: no price"):
        dict(reader.prices())
