"""The engine gone for a while: what is known stays, and all is well when it is back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from fairlead.core.errors import PlatformError, WireError
from fairlead.core.model import Endpoint, Phase
from fairlead.platforms.docker import events
from fairlead.platforms.docker.platform import DockerPlatform
from fairlead.wire import Connection, Request
from tests.docker_engine import PrivateEngine, private_engine
from tests.ground import until
from tests.platforms.docker.ground import (
    FOUND,
    STUBBORN,
    Harbour,
    endpoints,
    in_phase,
    sight,
)


@pytest.fixture(scope="module", params=[True, False], ids=["live-restore", "no-live-restore"])
def mortal_engine(request: pytest.FixtureRequest) -> Iterator[PrivateEngine]:
    with private_engine(live_restore=request.param) as engine:
        yield engine


@pytest.fixture
async def mortal(mortal_engine: PrivateEngine) -> AsyncIterator[Harbour]:
    harbour = Harbour(mortal_engine)
    yield harbour
    await harbour.clear()


async def answers_inside(endpoint: Endpoint) -> bool:
    """At the container's own address, without the engine's proxy."""
    try:
        connect = partial(asyncio.open_connection, endpoint.address, endpoint.port)
        connection = await Connection.open(connect)
    except WireError:
        return False
    try:
        return (await connection.exchange(Request("GET", "/"), 1 << 16)).status == 200
    finally:
        connection.close()


async def away(platform: DockerPlatform) -> None:
    async def partial() -> bool:
        return not (await sight(platform, FOUND)).complete

    await until(partial, "the absence noticed")


async def back(platform: DockerPlatform) -> None:
    async def whole() -> bool:
        return (await sight(platform, FOUND)).complete

    await until(whole, "the engine read again")


async def test_a_crashed_engine_changes_nothing_until_it_is_back(mortal: Harbour) -> None:
    platform, service = mortal.platform(), mortal.service(network="bridge")
    mine = await platform.start(service)
    await mortal.labelled("--label", "fairlead.host=x.localhost", service="web")
    web = await until(platform.services, "the labelled service")
    before = await endpoints(platform, service), await endpoints(platform, web[0])
    mortal.notified.clear()
    mortal.engine.kill()
    await away(platform)
    assert "" in [name for _, name in mortal.notified]
    sightings = await sight(platform, service), await sight(platform, web[0])
    assert tuple(list(s.endpoints) for s in sightings) == before
    assert "cannot be used" in sightings[0].problem
    assert await platform.services() == web
    await until(lambda: answers_inside(mine), "an answer without the engine")
    with pytest.raises(PlatformError, match="cannot be used"):
        await platform.start(service)
    mortal.engine.start()
    await back(platform)
    if mortal.engine.live_restore:
        assert (await endpoints(platform, service), await endpoints(platform, web[0])) == before
    else:
        [ended] = await in_phase(platform, service, Phase.EXITED)
        await platform.forget(ended)
    new = await platform.start(service)
    await until(lambda: answers_inside(new), "an answer")


async def test_what_happened_meanwhile_is_seen_when_it_is_back(mortal: Harbour) -> None:
    platform, service = mortal.platform(), mortal.service()
    mine = await platform.start(service)
    await mortal.labelled()
    await in_phase(platform, FOUND, Phase.RUNNING, 2)
    mortal.engine.kill()
    await away(platform)
    assert mine.pid
    os.kill(mine.pid, signal.SIGKILL)
    mortal.engine.start()
    await back(platform)
    [ended] = await endpoints(platform, service)
    assert ended.phase is Phase.EXITED
    assert ended.exit


async def test_a_stop_that_the_engine_did_not_hear_is_asked_again(mortal: Harbour) -> None:
    """It does not end within the timeout. An engine without live-restore asks it too, and waits for
    its end before it answers."""
    script = STUBBORN.replace("''", "'sleep 3; exit'")
    platform, service = mortal.platform(), mortal.service(script=script)
    mine = await platform.start(service)
    mortal.engine.kill()
    await away(platform)
    await platform.stop(mine, 1)
    assert [e.phase for e in (await sight(platform, service)).endpoints] == [Phase.STOPPING]
    mortal.engine.start()
    await back(platform)
    [ended] = await in_phase(platform, service, Phase.EXITED)
    await platform.forget(ended)
    await platform.close()
    assert await mortal.engine.docker("ps", "-aq") == ""


async def test_one_that_could_not_be_removed_is_removed_later(mortal: Harbour) -> None:
    platform, service = mortal.platform(), mortal.service()
    mine = await platform.start(service)
    await platform.stop(mine, 5)
    [ended] = await in_phase(platform, service, Phase.EXITED)
    mortal.engine.kill()
    await away(platform)
    await platform.forget(ended)
    assert (await sight(platform, service)).endpoints == ()
    mortal.engine.start()
    await back(platform)

    async def removed() -> bool:
        return await mortal.engine.docker("ps", "-aq") == ""

    await until(removed, "its container removed")


async def test_an_engine_that_hangs_is_away_too(
    mortal: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RESYNC", 0.2)
    platform, service = mortal.platform(), mortal.service()
    platform._engine.timeout = 1.0
    mine = await platform.start(service)
    mortal.engine.hang()
    try:
        await away(platform)
        sighting = await sight(platform, service)
        assert [e.id for e in sighting.endpoints] == [mine.id]
        assert "no answer in time" in sighting.problem
    finally:
        mortal.engine.go_on()
    await back(platform)
    assert [e.phase for e in await endpoints(platform, service)] == [Phase.RUNNING]
