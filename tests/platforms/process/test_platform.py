from __future__ import annotations

import asyncio
import os
import re
import socket
from pathlib import Path

import pytest

from fairlead.clock import SystemClock
from fairlead.core.errors import PlatformError
from fairlead.core.model import Phase, Service
from fairlead.platforms.process import ProcessPlatform
from fairlead.platforms.process.records import Records
from fairlead.platforms.process.session import Session
from tests.platforms.ground import LISTEN, Ground, find, free_range, is_alive, python, sleeper

LISTENER = python(LISTEN, "{port}")


async def test_an_endpoint_listens_on_the_port_it_was_given(ground: Ground) -> None:
    platform = ground.platform()
    endpoint = await platform.start(LISTENER)
    await ground.output(endpoint, "listening")
    with socket.create_connection((endpoint.address, endpoint.port)):
        pass
    assert re.fullmatch(r"catalog-[a-z2-7]{6}", endpoint.id)
    assert endpoint.node == "local"
    assert endpoint.revision == LISTENER.revision
    assert ground.ports[0] <= endpoint.port <= ground.ports[1]


async def test_starts_at_once_have_ports_and_ids_of_their_own(ground: Ground) -> None:
    platform = ground.platform()
    found = await asyncio.gather(*(platform.start(sleeper()) for _ in range(10)))
    assert len({e.port for e in found}) == len({e.id for e in found}) == 10


async def test_an_id_that_exists_is_not_given_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    randoms = iter([b"\0\0\0\0", b"\0\0\0\0", b"\1\1\1\1"])
    monkeypatch.setattr(os, "urandom", lambda _: next(randoms))
    platform = ground.platform()
    first, second = await platform.start(sleeper()), await platform.start(sleeper())
    assert first.id != second.id


async def test_a_port_rests_until_the_range_has_been_round(ground: Ground) -> None:
    platform = ground.platform(free_range(4))
    used = []
    for _ in range(4):
        endpoint = await platform.start(sleeper())
        used.append(endpoint.port)
        await platform.stop(endpoint, 60)
        await ground.phase(platform, endpoint, Phase.EXITED)
    assert len(set(used)) == 4
    assert (await platform.start(sleeper())).port == used[0]


async def test_a_restart_does_not_begin_with_the_ports_just_released(ground: Ground) -> None:
    first = ground.platform()
    endpoint = await first.start(sleeper())
    await first.stop(endpoint, 60)
    await ground.phase(first, endpoint, Phase.EXITED)
    await first.close()
    assert (await ground.platform().start(sleeper())).port != endpoint.port


async def test_a_port_that_was_snatched_is_passed_over_by_the_next_start(ground: Ground) -> None:
    platform = ground.platform(free_range(3))
    endpoint = await platform.start(python("import time; time.sleep(.5)" + LISTEN, "{port}"))
    with socket.create_server((endpoint.address, endpoint.port)):
        ended = await ground.phase(platform, endpoint, Phase.EXITED)
        assert ended.exit == "exit 1"
        ports = {(await platform.start(LISTENER)).port for _ in range(2)}
        assert len(ports) == 2
        assert endpoint.port not in ports


async def test_a_new_range_of_ports_is_for_new_endpoints(ground: Ground) -> None:
    first, *_, last = ground.ports
    platform = ground.platform((first, first))
    old = await platform.start(sleeper())
    platform.use((last, last))
    new = await platform.start(sleeper())
    assert (old.port, new.port) == (first, last)
    assert {endpoint.id for endpoint in platform.all()} == {old.id, new.id}


async def test_a_full_range_is_told_and_leaves_nothing(ground: Ground) -> None:
    ports = free_range(2)
    platform = ground.platform(ports)
    with socket.create_server(("127.0.0.1", ports[0])):
        await platform.start(sleeper())
        with pytest.raises(PlatformError, match=rf"no free port in {ports[0]}-{ports[1]}"):
            await platform.start(sleeper())
    assert len(platform.all()) == 1


@pytest.mark.parametrize(
    "service",
    [
        Service("catalog", run=("no-such-program",)),
        Service("catalog", run=("sleep", "300"), cwd="/no/such/place"),
        Service("catalog"),
        Service("../catalog", run=("sleep", "300")),
        Service("", run=("sleep", "300")),
    ],
)
async def test_what_cannot_start_leaves_nothing(ground: Ground, service: Service) -> None:
    platform = ground.platform()
    with pytest.raises(PlatformError):
        await platform.start(service)
    assert platform.all() == ()
    assert [path for path in ground.state.rglob("*") if path.is_file()] == []
    taken = {(await platform.start(sleeper())).port for _ in range(40)}
    assert len(taken) == 40, "its port is free again"


@pytest.mark.parametrize("broken", [1, 2])
async def test_a_disk_that_takes_no_record_gets_no_process(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    platform, calls, pids = ground.platform(), [], []
    real = Records.write

    def write(self: Records, record: object) -> None:
        calls.append(record)
        pids.append(record.pid)
        if len(calls) == broken:
            raise OSError(28, "No space left on device")
        real(self, record)

    monkeypatch.setattr(Records, "write", write)
    with pytest.raises(PlatformError, match="No space left"):
        await platform.start(sleeper())
    assert platform.all() == ()
    assert not any(is_alive(pid) for pid in pids if pid)


async def test_a_process_that_cannot_be_watched_is_not_left_behind(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, pids = ground.platform(), []

    def fail(self: Session, leader: int, ended: object) -> None:
        pids.append(leader)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Session, "__init__", fail)
    with pytest.raises(PlatformError, match="Too many open files"):
        await platform.start(sleeper())
    assert len(pids) == 1
    assert not is_alive(pids[0])
    assert list((ground.state / "endpoints").iterdir()) == []


async def test_a_state_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(PlatformError, match=r"state: endpoints cannot be kept here"):
        ProcessPlatform(tmp_path / "state", (20000, 20010), print, SystemClock())


async def test_only_the_services_asked_for_are_seen(ground: Ground) -> None:
    platform = ground.platform()
    catalog, alerts = sleeper("catalog"), sleeper("alerts")
    one, two = await platform.start(catalog), await platform.start(alerts)
    assert (await platform.observe([catalog])).endpoints == (one,)
    assert (await platform.observe([alerts, catalog])).endpoints == (two, one)
    assert (await platform.observe([])).endpoints == ()
    assert platform.all() == (one, two)


async def test_the_running_cannot_be_forgotten(ground: Ground) -> None:
    platform = ground.platform()
    endpoint = await platform.start(sleeper())
    with pytest.raises(PlatformError, match="still runs"):
        await platform.forget(endpoint)
    assert find(platform, endpoint) == endpoint


async def test_outputs_of_forgotten_endpoints_are_bounded(ground: Ground) -> None:
    platform = ground.platform()
    for _ in range(8):
        endpoint = await platform.start(python("print('told')"))
        await ground.phase(platform, endpoint, Phase.EXITED)
        await platform.forget(endpoint)
    files = platform.outputs.files("catalog")
    assert len(files) == 5
    assert files[-1].read_text() == "told\n"


async def test_stop_all_takes_services_that_nobody_knows_and_leaves_no_record(
    ground: Ground,
) -> None:
    first = ground.platform()
    endpoints = [await first.start(sleeper(name)) for name in ("catalog", "alerts", "catalog")]
    await first.close()
    second = ground.platform()
    assert len(second.all()) == 3
    await second.stop_all(60)
    assert not any(is_alive(e.pid) for e in endpoints if e.pid)
    assert second.all() == ()
    assert list((ground.state / "endpoints").iterdir()) == []
