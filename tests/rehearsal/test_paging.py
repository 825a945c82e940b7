from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairlead.rehearsal.faults import Refusal
from fairlead.rehearsal.paging import page
from tests.rehearsal.ground import rehearsal

NAMES = some.sets(some.text(some.characters(codec="utf-8"), min_size=1, max_size=8), max_size=30)


def walk(names: set[str], size: int) -> list[list[str]]:
    pages: list[list[str]] = []
    request: dict[str, Any] = {"maxResults": size}
    while True:
        given_ = page(names, request, "names")
        pages.append(given_["names"])
        if "nextToken" not in given_:
            return pages
        request["nextToken"] = given_["nextToken"]


@given(NAMES, some.integers(1, 10))
def test_pages_give_each_name_once(names: set[str], size: int) -> None:
    pages = walk(names, size)
    assert [name for one in pages for name in one] == sorted(names)
    assert all(len(one) == size for one in pages[:-1])


@given(NAMES, NAMES)
def test_what_comes_and_goes_between_pages_hides_no_other(names: set[str], gone: set[str]) -> None:
    first = page(names, {"maxResults": 3}, "names")
    if "nextToken" in first:
        rest = page(names - gone, {"nextToken": first["nextToken"]}, "names")["names"]
        assert set(rest) == {n for n in names - gone if n > first["names"][-1]}


@given(some.text(max_size=40))
def test_a_token_that_is_none_of_ours_is_refused(token: str) -> None:
    with pytest.raises(Refusal, match="Invalid token"):
        page({"a"}, {"nextToken": token}, "names")


async def test_every_list_has_pages() -> None:
    async with rehearsal(nodes=5, processes=False) as ecs:
        for number in range(5):
            definition = ecs.define(f"web-{number}", "x", memory=8)
            ecs.serve(f"web-{number}", definition)
            ecs.call("CreateCluster", clusterName=f"c{number}")
        for operation, key in (
            ("ListTasks", "taskArns"),
            ("ListServices", "serviceArns"),
            ("ListContainerInstances", "containerInstanceArns"),
            ("ListTaskDefinitions", "taskDefinitionArns"),
            ("ListClusters", "clusterArns"),
        ):
            where = {} if key in ("taskDefinitionArns", "clusterArns") else {"cluster": "shop"}
            ecs.plane.wake()
            await _started(ecs)
            first = ecs.call(operation, maxResults=3, **where)
            rest = ecs.call(operation, nextToken=first["nextToken"], **where)
            assert len(first[key]) == 3
            assert len(set(first[key] + rest[key])) == (6 if key == "clusterArns" else 5)
        kind = {"cluster": "shop", "targetType": "container-instance"}
        named = {**kind, "attributeName": "ecs.os-type"}
        assert len(ecs.call("ListAttributes", **named)["attributes"]) == 5
        first = ecs.call("ListAttributes", maxResults=2, **named)
        assert len(first["attributes"]) == 2
        rest = ecs.call("ListAttributes", nextToken=first["nextToken"], **named)
        assert len(rest["attributes"]) == 3


async def _started(ecs: Any) -> None:
    from tests.rehearsal.ground import running

    await running(ecs, 5)


async def test_definitions_are_listed_in_either_order() -> None:
    async with rehearsal(processes=False) as ecs:
        for _ in range(11):
            ecs.define("web", "x")
        listed = ecs.call("ListTaskDefinitions", familyPrefix="web")["taskDefinitionArns"]
        assert [arn.rpartition(":")[2] for arn in listed] == [str(n) for n in range(1, 12)]
        newest = ecs.call("ListTaskDefinitions", sort="DESC", maxResults=2)["taskDefinitionArns"]
        assert [arn.rpartition(":")[2] for arn in newest] == ["11", "10"]
        ecs.call("DeregisterTaskDefinition", taskDefinition="web:11")
        assert len(ecs.call("ListTaskDefinitions")["taskDefinitionArns"]) == 10
        latest = ecs.call("DescribeTaskDefinition", taskDefinition="web")["taskDefinition"]
        assert latest["revision"] == 10
