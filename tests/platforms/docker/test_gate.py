"""Docker's HEALTHCHECK, and the engine's proxy that accepts for nobody, beside our own checks."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fairlead.core.model import CheckKind, Endpoint, HealthCheck, Phase
from fairlead.platforms.docker.gate import HUNG_UP, GatedProber, hangs_up
from fairlead.probes import Probes
from fairlead.probes.tcp import TcpProbe
from tests.ground import free_port, until
from tests.platforms.docker.ground import FOUND, Harbour, in_phase

CHECKED = (
    *("--health-cmd", "test -f /tmp/well || { echo no such luck; exit 1; }"),
    *("--health-interval", "100ms", "--health-retries", "1", "-p", "127.0.0.1::8080"),
)


async def test_a_healthcheck_holds_it_back_until_it_first_passes(harbour: Harbour) -> None:
    container = await harbour.labelled(*CHECKED)
    platform = harbour.platform()
    [pending] = await in_phase(platform, FOUND, Phase.PENDING)
    await until(lambda: "unhealthy" in platform.gate(pending.id), "unhealthy")
    await in_phase(platform, FOUND, Phase.PENDING)
    await harbour.engine.docker("exec", container, "touch", "/tmp/well")
    [ready] = await in_phase(platform, FOUND, Phase.RUNNING)
    assert platform.gate(ready.id) == ""


async def test_one_that_gets_sick_later_goes_on_running_and_its_checks_fail(
    harbour: Harbour,
) -> None:
    container = await harbour.labelled(*CHECKED)
    platform = harbour.platform()
    await platform.open()
    await harbour.engine.docker("exec", container, "touch", "/tmp/well")
    [endpoint] = await in_phase(platform, FOUND, Phase.RUNNING)
    prober = GatedProber(Probes(), platform.gate)
    check = HealthCheck(kind=CheckKind.HTTP, path="/")
    assert await prober.probe(check, endpoint) == ""
    harbour.notified.clear()
    await harbour.engine.docker("exec", container, "rm", "/tmp/well")
    await until(lambda: platform.gate(endpoint.id), "sick")
    assert await prober.probe(check, endpoint) == "HEALTHCHECK: unhealthy (no such luck)"
    assert "catalog" in [name for _, name in harbour.notified]
    await in_phase(platform, FOUND, Phase.RUNNING)
    await harbour.engine.docker("exec", container, "touch", "/tmp/well")
    await until(lambda: not platform.gate(endpoint.id), "well again")
    assert await prober.probe(check, endpoint) == ""


async def test_one_that_is_sick_when_fairlead_comes_may_have_served(harbour: Harbour) -> None:
    await harbour.labelled(*CHECKED)
    first = harbour.platform()
    await first.open()

    async def unhealthy() -> bool:
        return "unhealthy" in await harbour.engine.docker("ps")

    await until(unhealthy, "unhealthy")
    [endpoint] = await in_phase(harbour.platform(), FOUND, Phase.RUNNING)
    await until(lambda: "unhealthy" in first.gate(endpoint.id))
    await in_phase(first, FOUND, Phase.PENDING)


async def test_a_paused_one_is_held_back(harbour: Harbour) -> None:
    container = await harbour.labelled()
    platform = harbour.platform()
    [endpoint] = await in_phase(platform, FOUND, Phase.RUNNING)
    await harbour.engine.docker("pause", container)
    await until(lambda: platform.gate(endpoint.id) == "its container is paused")
    await harbour.engine.docker("unpause", container)
    await until(lambda: not platform.gate(endpoint.id))


async def test_a_connection_that_the_engines_proxy_accepts_for_nobody_is_no_pass(
    harbour: Harbour,
) -> None:
    await harbour.labelled("-p", "127.0.0.1::8080", script="sleep 300")
    [endpoint] = await in_phase(harbour.platform(), FOUND, Phase.RUNNING)
    check = HealthCheck()
    assert await TcpProbe().probe(check, endpoint) == ""  # which proves nothing
    prober = GatedProber(Probes(), lambda _: "")
    assert await prober.probe(check, endpoint) == HUNG_UP


async def test_a_silent_server_passes_and_a_closed_port_does_not(harbour: Harbour) -> None:
    await harbour.labelled("-p", "127.0.0.1::8080")
    [endpoint] = await in_phase(harbour.platform(), FOUND, Phase.RUNNING)
    prober = GatedProber(Probes(), lambda _: "")

    async def passes() -> bool:
        return not await prober.probe(HealthCheck(), endpoint)

    await until(passes, "a pass")
    closed = replace(endpoint, port=free_port())
    assert "refused" in await prober.probe(HealthCheck(), closed)


async def test_a_server_that_greets_passes() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await hangs_up(Endpoint("a", "a", "n", "127.0.0.1", port)) == ""
