"""That a service's scaler is paused is kept in the cluster itself, as a tag of the ECS service."""

from __future__ import annotations

import pytest

from fairlead.core.errors import PlatformError
from fairlead.platforms.ecs.counts import PAUSE_TAG
from tests.ground import until
from tests.platforms.ecs.fake import refusal
from tests.platforms.ecs.ground import World, service, sight


async def test_a_pause_is_set_read_and_taken_away(world: World) -> None:
    world.ecs.add("catalog")
    platform = await world.opened("catalog")
    assert (await sight(platform)).noted == ""
    await platform.note(service(), "scaled to 4 by command; until <somebody> resumes it")
    kept = world.ecs.services["catalog"].tags[PAUSE_TAG]
    assert kept == "scaled to 4 by command  until  somebody  resumes it"
    other = await world.opened("catalog")
    assert (await sight(other)).noted == kept
    await platform.note(service(), "")
    assert world.ecs.services["catalog"].tags == {}

    async def forgotten() -> bool:
        return (await sight(other)).noted == ""

    await until(forgotten, "the tag's end seen")


async def test_a_service_that_has_not_been_read_says_nothing(world: World) -> None:
    platform = await world.opened("catalog")
    assert (await sight(platform)).noted is None
    await platform.note(service(), "by hand")
    assert world.ecs.count("TagResource") == 0


async def test_a_tag_that_is_refused_is_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ecs.add("catalog")
    platform = await world.opened("catalog")

    def refused(**_: object) -> None:
        raise refusal("AccessDeniedException", "TagResource", "not authorized")

    monkeypatch.setattr(world.ecs, "_TagResource", refused)
    with pytest.raises(PlatformError, match="not authorized"):
        await platform.note(service(), "by hand")
    assert (await sight(platform)).noted == ""
