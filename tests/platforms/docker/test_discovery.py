"""Containers that others have started and labelled, Compose's among them."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from fairlead.core.model import CheckKind, Phase, Route
from fairlead.platforms.docker.fleet import FOUND as WHERE
from tests.ground import until
from tests.platforms.docker.ground import (
    FOUND,
    LOGGED_HUP,
    STUBBORN,
    Harbour,
    answers,
    endpoints,
    in_phase,
)

ROUTES = ("--label", "fairlead.host=catalog.localhost,shop.localhost")


async def test_labels_make_a_service_with_all_that_belongs_to_it(harbour: Harbour) -> None:
    await harbour.labelled(
        *ROUTES,
        *("--label", "fairlead.path=/api/", "--label", "fairlead.strip=true"),
        *("--label", "fairlead.health=/healthz", "--label", "fairlead.port=8080"),
        *("--label", "fairlead.weight=7", "-p", "127.0.0.1::8080", "-p", "127.0.0.1::9090"),
    )
    platform = harbour.platform()
    [service] = await platform.services()
    assert service.name == "catalog"
    assert service.found == WHERE
    assert service.container.port == 8080
    assert (service.health.kind, service.health.path) == (CheckKind.HTTP, "/healthz")
    hosts = ("catalog.localhost", "shop.localhost")
    assert service.routes == tuple(Route(host, "/api", True) for host in hosts)
    [endpoint] = await endpoints(platform, service)
    assert (endpoint.revision, endpoint.weight) == (service.revision, 7)
    await until(lambda: answers(endpoint), "an answer")


async def test_compose_scales_out_and_in(harbour: Harbour) -> None:
    platform = harbour.platform()
    assert await platform.services() == ()
    await harbour.compose(1, "fairlead.host=catalog.localhost")
    await in_phase(platform, FOUND, Phase.RUNNING)
    for number in (2, 3):
        await harbour.compose(number, "fairlead.host=catalog.localhost")
    found = await in_phase(platform, FOUND, Phase.RUNNING, 3)
    assert len({e.port for e in found}) == len({e.id for e in found}) == 3
    [service] = await platform.services()
    assert service.routes == (Route("catalog.localhost"),)
    for number in (3, 2):
        await harbour.engine.docker("stop", f"shop-catalog-{number}")
        await harbour.engine.docker("rm", f"shop-catalog-{number}")
    [left] = await in_phase(platform, FOUND, Phase.RUNNING)
    assert left.id == found[0].id
    assert {name for _, name in harbour.notified} == {"", "catalog"}


async def test_compose_without_our_labels_and_its_one_off_runs_are_none(harbour: Harbour) -> None:
    await harbour.compose(1)
    await harbour.compose(2, "fairlead.host=catalog.localhost", "com.docker.compose.oneoff=True")
    assert await harbour.platform().services() == ()


async def test_a_container_without_published_ports_is_reached_at_its_address(
    harbour: Harbour,
) -> None:
    await harbour.engine.network("inside")
    await harbour.labelled("--network", "inside")
    [endpoint] = await in_phase(harbour.platform(), FOUND, Phase.RUNNING)
    assert endpoint.address.startswith("10.")
    assert endpoint.port == 8080


async def test_one_that_joins_a_network_later_is_pending_until_then(harbour: Harbour) -> None:
    await harbour.engine.network("late")
    container = await harbour.labelled("--network", "bridge", "--label", "fairlead.network=late")
    platform = harbour.platform()
    await in_phase(platform, FOUND, Phase.PENDING)
    await harbour.engine.docker("network", "connect", "late", container)
    await in_phase(platform, FOUND, Phase.RUNNING)
    await harbour.engine.docker("network", "disconnect", "late", container)
    await in_phase(platform, FOUND, Phase.PENDING)


async def test_the_oldest_ones_labels_hold_and_the_difference_is_told(harbour: Harbour) -> None:
    platform = harbour.platform()
    await harbour.labelled("--label", "fairlead.host=old.localhost")
    newer = await harbour.labelled("--label", "fairlead.host=new.localhost")
    await in_phase(platform, FOUND, Phase.RUNNING, 2)
    [service] = await platform.services()
    assert service.routes == (Route("old.localhost"),)
    [told] = harbour.journal.messages
    assert f"the labels of catalog-{newer[:12]} differ" in told


async def test_a_wrong_label_leaves_the_container_out_and_is_told(harbour: Harbour) -> None:
    platform = harbour.platform()
    await platform.open()
    await harbour.labelled("--name", "bad", "--label", "fairlead.host=a b;")
    await harbour.labelled("--name", "nameless", "--label", "fairlead.host=x.localhost", service="")
    await until(lambda: len(harbour.journal.messages) == 2, lambda: str(harbour.journal.messages))
    assert "container bad is left out: label fairlead.host" in str(platform.problems)
    assert "container nameless is left out: label fairlead.service" in str(platform.problems)
    assert await platform.services() == ()


async def test_many_ports_and_no_label_is_told(harbour: Harbour) -> None:
    platform = harbour.platform()
    await platform.open()
    await harbour.labelled("-p", "127.0.0.1::8080", "-p", "127.0.0.1::9090")
    await in_phase(platform, FOUND, Phase.PENDING)
    assert "which of its ports takes requests is not told" in harbour.journal.messages[0]


async def test_what_happens_is_notified_within_milliseconds(harbour: Harbour) -> None:
    platform = harbour.platform()
    await platform.open()
    since = str(int(time.time()) - 1)
    container = await harbour.labelled()
    await in_phase(platform, FOUND, Phase.RUNNING)
    notified = harbour.notified[-1][0] - time.monotonic() + time.time()
    form = ("--format", "{{.TimeNano}}", "--filter", "event=start")
    span = ("--since", since, "--until", str(int(time.time()) + 1))
    stamps = await harbour.engine.docker(
        "events", *span, *form, "--filter", f"container={container}"
    )
    assert notified - int(stamps) / 1e9 < 0.05


async def test_sigterm_is_seen_when_it_is_sent_and_hup_is_none(harbour: Harbour) -> None:
    script = STUBBORN.replace("''", "'' HUP USR1; trap ''")
    container = await harbour.labelled("-p", "127.0.0.1::8080", script=script)
    platform = harbour.platform()
    await in_phase(platform, FOUND, Phase.RUNNING)
    for errand in ("HUP", "USR1", "WINCH"):
        await harbour.engine.docker("kill", "-s", errand, container)
    await harbour.engine.docker("pause", container)
    await until(lambda: platform.gate(f"catalog-{container[:12]}"), "the pause, after the signals")
    await harbour.engine.docker("unpause", container)
    await until(lambda: not platform.gate(f"catalog-{container[:12]}"), "no pause")
    await in_phase(platform, FOUND, Phase.RUNNING)
    stopping = asyncio.create_task(harbour.engine.docker("stop", "-t", "3", container))
    await in_phase(platform, FOUND, Phase.STOPPING)
    assert not stopping.done()
    await stopping
    [ended] = await in_phase(platform, FOUND, Phase.EXITED)
    assert ended.exit == "signal 9"


async def test_its_own_stop_signal_is_a_way_out(harbour: Harbour) -> None:
    container = await harbour.labelled("--stop-signal", "USR2", script=LOGGED_HUP + " #USR2")
    platform = harbour.platform()
    await in_phase(platform, FOUND, Phase.RUNNING)
    stopping = asyncio.create_task(harbour.engine.docker("stop", "-t", "2", container))
    await in_phase(platform, FOUND, Phase.STOPPING)
    await stopping


async def test_others_containers_are_left_alone_but_never_stopped(harbour: Harbour) -> None:
    container = await harbour.labelled()
    platform = harbour.platform()
    [endpoint] = await in_phase(platform, FOUND, Phase.RUNNING)
    await platform.stop(endpoint, 0)
    [stopped] = await in_phase(platform, FOUND, Phase.EXITED)
    assert "run elsewhere" in stopped.exit
    await platform.forget(stopped)
    assert await endpoints(platform, FOUND) == []
    assert await harbour.engine.docker("ps", "-q", "--no-trunc") == container
    platform.reset("catalog")
    [again] = await in_phase(platform, FOUND, Phase.RUNNING)
    assert again == endpoint


async def test_one_that_is_started_again_is_used_again(harbour: Harbour) -> None:
    container = await harbour.labelled()
    platform = harbour.platform()
    [before] = await in_phase(platform, FOUND, Phase.RUNNING)
    os.kill(before.pid, signal.SIGKILL)
    [ended] = await in_phase(platform, FOUND, Phase.EXITED)
    await platform.forget(ended)
    assert await endpoints(platform, FOUND) == []
    await harbour.engine.docker("start", container)
    [after] = await in_phase(platform, FOUND, Phase.RUNNING)
    assert (after.id, after.started > before.started) == (before.id, True)


async def test_one_that_ended_long_ago_is_no_endpoint_but_its_service_is_known(
    harbour: Harbour,
) -> None:
    container = await harbour.labelled(*ROUTES)
    await harbour.engine.docker("stop", container)
    platform = harbour.platform()
    assert await endpoints(platform, FOUND) == []
    assert [service.name for service in await platform.services()] == ["catalog"]
    await harbour.engine.docker("rm", container)

    async def gone() -> bool:
        return await platform.services() == ()

    await until(gone, "the service gone")


async def test_out_of_memory_is_told(harbour: Harbour) -> None:
    script = "sleep 0.5; x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done"
    await harbour.labelled("-m", "16m", "--memory-swap", "16m", script=script)
    [ended] = await in_phase(harbour.platform(), FOUND, Phase.EXITED)
    assert "out of memory" in ended.exit


async def test_a_file_service_of_the_same_name_keeps_to_its_own(harbour: Harbour) -> None:
    await harbour.labelled()
    platform, service = harbour.platform(), harbour.service()
    assert await endpoints(platform, service) == []
    mine = await platform.start(service)
    assert [e.id for e in await endpoints(platform, service)] == [mine.id]
