"""fairlead cost: what is shown, and that all of it comes from the bills."""

from __future__ import annotations

import asyncio
import json
import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fairlead.cli.bill_view import plain
from fairlead.cli.cost import NAMES as OFFERED
from fairlead.core.costs.prices import FREE_TIERS
from fairlead.core.costs.strategies import NAMES

LISTS = runpy.run_path(str(Path(__file__).parents[1] / "prices" / "lists.py"))


def bills(result: Any) -> dict[str, Any]:
    return {each["strategy"]: each for each in json.loads(result.out)["strategies"]}


def test_every_strategy_has_a_row_with_its_total(fairlead: Any) -> None:
    assert OFFERED == NAMES
    result = fairlead("cost")
    assert result.status == 0
    rows = [line.split() for line in result.out.splitlines() if line.split(" ")[0] in NAMES]
    totals = {row[0]: row[-1] for row in rows}
    found = bills(fairlead("cost", "--json"))
    assert totals == {name: f"{each['total']:,.2f}" for name, each in found.items()}


def test_the_five_services_of_the_analysis(fairlead: Any) -> None:
    """By hand: 7.592 + 3.65 + 2.40 + 0.50 + 0.40 + 0.10 on one t3.micro; $3-5 it is not."""
    found = bills(fairlead("cost", "--json"))
    assert found["single"]["total"] == 14.642
    result = fairlead("cost")
    assert 'why not "$3-5 a month"' in result.out
    assert 'why not "$18 a month for an ALB"' in result.out
    assert "  14.64" in result.out
    assert "4.54  <- that figure" in result.out


def test_items_are_shown_with_quantity_price_and_sum(fairlead: Any) -> None:
    result = fairlead("cost", "--itemise", "--strategy", "alb-shared")
    row = next(line for line in result.out.splitlines() if "ALB hours, 1 x" in line)
    assert row.split()[-4:] == ["730", "hours", "0.0225", "16.43"]
    assert "dynamic" not in result.out


def test_json_items_add_up_to_the_total(fairlead: Any) -> None:
    for each in bills(fairlead("cost", "--json", "--requests", "123.4")).values():
        assert sum(item["cost"] for item in each["items"]) == pytest.approx(each["total"], abs=1e-5)


def test_options_reach_the_bill(fairlead: Any) -> None:
    found = bills(
        fairlead(
            *("cost", "--json", "--region", "eu-west-1", "--type", "t4g.small", "--nodes", "3"),
            *("--services", "2", "--copies", "4", "--requests", "0", "--dns-queries", "0"),
            *("--disk", "10", "--images", "0", "--dashboards", "0"),
        )
    )
    hours = 3 * 730
    assert found["fixed"]["groups"]["instances"] == pytest.approx(hours * 0.0184)
    assert found["fixed"]["groups"]["storage"] == pytest.approx(30 * 0.088)
    assert found["alb"]["groups"]["balancers"] == pytest.approx(2 * 730 * 0.0252)


def test_what_is_recalled_or_missing_is_said(fairlead: Any) -> None:
    out = fairlead("cost", "--region", "sa-east-1").out
    assert "prices recalled, not found:" in out
    assert "fargate.x86_vcpu_hour" in out
    assert "+ without lease in DynamoDB, for which sa-east-1 has no price: dynamic" in out


def test_credits_are_told_in_months_and_not_taken_off(fairlead: Any) -> None:
    with_credits = fairlead("cost", "--free-tier", "credits")
    assert "$100 at sign-up and up to $100 more" in with_credits.out
    full = bills(fairlead("cost", "--json"))
    assert bills(fairlead("cost", "--json", "--free-tier", "credits"))["single"] == full["single"]


def test_nodes_too_few_are_marked(fairlead: Any) -> None:
    out = fairlead("cost", "--nodes", "1").out
    assert "! dynamic: 10 tasks of 136 MiB need 2 nodes" in out


def test_a_price_file_is_laid_over(fairlead: Any, tmp_path: Path) -> None:
    own = {"alb.hour": {"usd": "0.01"}}
    document = {
        "format": "fairlead-prices/1",
        "checked": "2026-10-01",
        "regions": {"us-east-1": own},
    }
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(document))
    found = bills(fairlead("cost", "--json", "--requests", "0", "--prices", file))
    assert found["alb-shared"]["groups"]["balancers"] == 7.3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--requests", "-1"], "no number between 0"),
        (["--requests", "nan"], "no number between 0"),
        (["--requests", "inf"], "no number between 0"),
        (["--requests", "1e999999999"], "no number between 0"),
        (["--requests", "1e-50"], "no number between 0"),
        (["--requests", "snan"], "no number between 0"),
        (["--response-size", "9e9G"], "no number between 0"),
        (["--requests", "1_0"], "no number between 0"),
        (["--response-size", "k"], "no number between 0"),
        (["--services", "0"], "--services"),
        (["--region", "mars"], "no prices for region 'mars'"),
        (["--type", "t3.mcro"], "did you mean 't3.micro'?"),
        (["--prices", "none.json"], "cannot read prices from none.json"),
        (["nowhere"], "nowhere"),
    ],
)
def test_wrong_input_is_refused_with_a_line(fairlead: Any, arguments: list[str], said: str) -> None:
    result = fairlead("cost", *arguments)
    assert result.status == 2
    assert said in result.err
    assert result.out == ""


def test_sizes_may_have_a_suffix(fairlead: Any) -> None:
    plain_size = bills(fairlead("cost", "--json", "--response-size", "1500000"))
    assert bills(fairlead("cost", "--json", "--response-size", "1.5M")) == plain_size


def test_the_largest_of_everything_still_adds_up(fairlead: Any) -> None:
    result = fairlead(
        *("cost", "--json", "--requests", "1e7", "--response-size", "10G", "--services", "10000"),
        *("--copies", "10000", "--traffic-out", "1e9", "--dns-queries", "1e12"),
    )
    assert result.status == 0
    assert len(bills(result)) == len(NAMES)


def test_numbers_are_shown_without_zeros_at_their_end() -> None:
    assert [plain(Decimal(n)) for n in ("1460.00", "0.0104", "0", "100")] == [
        "1,460",
        "0.0104",
        "0",
        "100",
    ]


@contextmanager
def price_lists() -> Iterator[str]:
    """AWS's lists, served by a loop in a thread of its own."""
    up, address = threading.Event(), []
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def live() -> None:
        async with LISTS["serving"](LISTS["PriceLists"]()) as url:
            address.append(url)
            up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    assert up.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


def test_prices_are_fetched_and_used_at_once(
    fairlead: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with price_lists() as url:
        monkeypatch.setenv("FAIRLEAD_PRICE_LISTS", url)
        result = fairlead("cost", "--refresh", "--region", "eu-west-1", "--json", "--requests", "0")
    assert result.status == 0
    assert bills(result)["alb-shared"]["groups"]["balancers"] == pytest.approx(730 * 0.026)
    assert "14 prices of eu-west-1 written to fairlead-prices.json" in result.err
    assert "not in AWS's lists, so as they were: ec2.t3.nano.hour" in result.err
    assert (tmp_path / "fairlead-prices.json").exists()


def test_lists_that_cannot_be_had_leave_no_file(
    fairlead: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRLEAD_PRICE_LISTS", "http://127.0.0.1:9")
    result = fairlead("cost", "--refresh")
    assert result.status == 1
    assert "cannot connect" in result.err
    assert not (tmp_path / "fairlead-prices.json").exists()


def test_every_free_tier_is_offered(fairlead: Any) -> None:
    for tier in FREE_TIERS:
        assert fairlead("cost", "--free-tier", tier).status == 0
    assert fairlead("cost", "--free-tier", "forever").status == 2


SETUP = """
variable "type" {
  default = "t3.small"
}
resource "aws_launch_template" "node" {
  image_id      = "ami-1"
  instance_type = var.type
}
resource "aws_autoscaling_group" "nodes" {
  desired_capacity = 2
  max_size         = 2
  min_size         = 1
  launch_template {
    id = aws_launch_template.node.id
  }
}
resource "aws_ecs_task_definition" "catalog" {
  family                = "shop-catalog"
  container_definitions = jsonencode([{ name = "catalog", image = "c:1", memory = 384, cpu = 256 }])
}
resource "aws_ecs_service" "catalog" {
  name            = "shop-catalog"
  task_definition = aws_ecs_task_definition.catalog.arn
  desired_count   = 3
}
"""


def test_a_set_up_fills_in_what_is_not_given(fairlead: Any, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(SETUP)
    usage = json.loads(fairlead("cost", "main.tf", "--json").out)["usage"]
    assert (usage["type"], usage["least_nodes"]) == ("t3.small", 2)
    assert usage["tasks"] == {"services": 1, "copies": 3, "cpu": 256, "memory": 384}
    out = fairlead("cost", "main.tf", "--type", "t3.medium", "--copies", "2").out
    assert "from the set-up: 1 service (main.tf:" in out
    assert "1 service, nodes of t3.medium" in out
