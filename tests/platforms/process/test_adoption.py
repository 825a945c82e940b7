"""Kill -9 of fairlead, at every moment: endpoints go on, the next one finds each of them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead import procfs
from fairlead.core.model import Phase, Service
from fairlead.platforms.process.adoption import REBOOTED
from fairlead.platforms.process.records import Record, Records
from fairlead.platforms.process.session import UNKNOWN
from tests.ground import until
from tests.platforms.ground import Ground, find, is_alive, killed, python, sleeper

DRIVER = Path(__file__).with_name("driver.py")
SLEEP = ("sleep", "300")
Told = list[tuple[str, int, int]]


async def crashed(ground: Ground, *run: str, how: str = "whole") -> Told:
    """What a fairlead had started when it was killed."""
    ports = map(str, ground.ports)
    driver = await asyncio.create_subprocess_exec(
        sys.executable, DRIVER, ground.state, *ports, how, *run, stdout=subprocess.PIPE
    )
    assert driver.stdout
    told = json.loads(await driver.stdout.readline())
    if how == "whole":
        driver.kill()
    assert await driver.wait() == -9
    return [tuple(each) for each in told]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP, start_new_session=True) as process:
        yield process
        process.kill()


async def test_the_same_processes_go_on_and_are_adopted(ground: Ground) -> None:
    told = await crashed(ground, *SLEEP)
    platform = ground.platform()
    assert [(e.id, e.pid, e.port) for e in platform.all()] == told
    assert {e.phase for e in platform.all()} == {Phase.RUNNING}
    assert platform.all()[0].revision == Service("catalog", run=SLEEP).revision
    assert (await platform.start(sleeper())).port not in {port for _, _, port in told}


async def test_outputs_go_on_during_and_after_the_crash(ground: Ground) -> None:
    code = "import time\nwhile True: print('on', flush=True); time.sleep(.02)"
    await crashed(ground, sys.executable, "-c", code)
    path = ground.platform().outputs.files("catalog")[0]
    before = path.stat().st_size
    await until(lambda: path.stat().st_size > before)


async def test_the_adopted_end_and_stop_like_own_ones(ground: Ground) -> None:
    (_, pid, _), _ = await crashed(ground, *SLEEP)
    platform = ground.platform()
    crashing, stopping = platform.all()
    await killed(pid)
    ended = await ground.phase(platform, crashing, Phase.EXITED)
    assert ended.exit == UNKNOWN
    await platform.stop(stopping, 60)
    await ground.phase(platform, stopping, Phase.EXITED)
    assert [name for _, name in ground.notified] == ["catalog", "alerts"]


async def test_stubborn_adopted_ones_are_killed_with_their_children(ground: Ground) -> None:
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "c = os.fork(); c and print(c, flush=True); time.sleep(300)"
    )
    told = await crashed(ground, sys.executable, "-c", code)
    platform = ground.platform()
    children = [int(await ground.output(endpoint)) for endpoint in platform.all()]
    for endpoint in platform.all():
        await platform.stop(endpoint, 0.1)
    for endpoint in platform.all():
        await ground.phase(platform, endpoint, Phase.EXITED)
    assert not any(is_alive(pid) for pid in [*children, *(pid for _, pid, _ in told)])


async def test_one_that_ended_meanwhile_is_told_until_forgotten(ground: Ground) -> None:
    told = await crashed(ground, *SLEEP)
    await killed(told[0][1])
    platform = ground.platform()
    gone, living = platform.all()
    assert (gone.id, gone.phase, gone.pid, gone.exit) == (told[0][0], Phase.EXITED, None, UNKNOWN)
    assert living.phase is Phase.RUNNING
    await platform.forget(gone)
    await platform.close()
    assert [e.id for e in ground.platform().all()] == [living.id]


async def test_what_a_leader_left_that_ended_meanwhile_is_cleared_away(ground: Ground) -> None:
    told = await crashed(ground, "sh", "-c", "sleep 300 & echo $!; wait")
    path = ground.state / "logs" / "catalog" / f"{told[0][0]}.log"
    await until(lambda: path.read_text() != "")
    await killed(told[0][1])
    platform = ground.platform()
    await until(lambda: not is_alive(int(path.read_text())), "the child gone")
    assert [e.phase for e in platform.all()] == [Phase.EXITED, Phase.RUNNING]


@pytest.mark.parametrize(
    "run",
    [
        SLEEP,
        ("env", "-i", *SLEEP),
        ("sh", "-c", "exec sleep 300 >/dev/null 2>&1"),
        ("sh", "-c", "setsid sleep 300 & exec sleep 300"),
    ],
    ids=["both marks", "no environment", "no output", "two sessions"],
)
async def test_a_crash_between_process_and_record_leaves_none_unknown(
    ground: Ground, run: tuple[str, ...]
) -> None:
    ((endpoint_id, pid, port),) = await crashed(ground, *run, how="process")
    assert is_alive(pid)
    await until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())
    platform = ground.platform()
    assert [(e.id, e.pid, e.port, e.phase) for e in platform.all()] == [
        (endpoint_id, pid, port, Phase.RUNNING)
    ]
    await platform.close()
    assert ground.platform().all()[0].pid == pid, "it is on record now"


async def test_a_crash_between_intent_and_process_is_an_end(ground: Ground) -> None:
    ((endpoint_id, pid, _),) = await crashed(ground, *SLEEP, how="intent")
    assert pid == 0
    platform = ground.platform()
    assert [(e.id, e.phase, e.exit) for e in platform.all()] == [
        (endpoint_id, Phase.EXITED, UNKNOWN)
    ]


async def test_processes_without_a_record_are_not_left(ground: Ground) -> None:
    told = await crashed(ground, *SLEEP)
    (ground.state / "endpoints" / f"{told[0][0]}.json").write_text("")
    platform = ground.platform()
    await until(lambda: not is_alive(told[0][1]), "it is gone")
    assert [e.id for e in platform.all()] == [told[1][0]]


def recorded(ground: Ground, of: int, **changes: object) -> Record:
    found = procfs.stat(of)
    assert found
    record = Record("catalog-abc234", "catalog", 20001, "", 1.0, procfs.boot_id(), of, found.ticks)
    record = replace(record, **changes)
    Records(ground.state / "endpoints").write(record)
    return record


@pytest.mark.parametrize(
    ("changes", "how"), [({"ticks": 1}, UNKNOWN), ({"boot": "another"}, REBOOTED)]
)
async def test_a_recycled_pid_is_never_adopted_nor_harmed(
    ground: Ground,
    stranger: subprocess.Popen[bytes],
    changes: dict[str, object],
    how: str,
) -> None:
    recorded(ground, stranger.pid, **changes)
    platform = ground.platform()
    (endpoint,) = platform.all()
    assert (endpoint.phase, endpoint.pid, endpoint.exit) == (Phase.EXITED, None, how)
    await platform.stop(endpoint, 0)
    await platform.stop_all(0)
    assert stranger.poll() is None


async def test_an_intent_before_a_restart_of_the_machine_finds_nobody(
    ground: Ground, stranger: subprocess.Popen[bytes]
) -> None:
    recorded(ground, stranger.pid, boot="another", pid=0)
    assert ground.platform().all()[0].exit == REBOOTED


async def test_another_state_directory_is_left_alone(ground: Ground, tmp_path: Path) -> None:
    other = Ground(tmp_path / "other")
    theirs = await other.platform().start(python("import time; time.sleep(300)"))
    try:
        await ground.platform().stop_all(0)
        assert theirs.pid
        assert is_alive(theirs.pid)
    finally:
        await other.clear()


async def test_a_stop_in_progress_can_be_asked_again(ground: Ground) -> None:
    first = ground.platform()
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('up', flush=True); time.sleep(300)"
    )
    endpoint = await first.start(python(code))
    await ground.output(endpoint, "up")
    await first.stop(endpoint, 0.1)
    await first.close()
    second = ground.platform()
    assert find(second, endpoint).phase is Phase.RUNNING
    await second.stop(endpoint, 0.1)
    await ground.phase(second, endpoint, Phase.EXITED)


async def test_the_session_that_asks_is_not_cleared_away(ground: Ground) -> None:
    """`fairlead down` may run where its output or environment bears an endpoint's mark."""
    platform = ground.platform()
    endpoint = await platform.start(sleeper())
    script = (
        "import asyncio, sys; from pathlib import Path;"
        "from fairlead.clock import SystemClock;"
        "from fairlead.platforms.process import ProcessPlatform\n"
        "async def main():\n"
        "    p = ProcessPlatform(Path(sys.argv[1]), (1, 2), lambda _: None, SystemClock())\n"
        "    await p.stop_all(5)\n"
        "asyncio.run(main())"
    )
    await platform.close()
    down = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, ground.state),
        env={**os.environ, "FAIRLEAD_ENDPOINT": endpoint.id},
        start_new_session=True,
    )
    assert await down.wait() == 0
    assert endpoint.pid
    assert not is_alive(endpoint.pid)
