"""Ends: asked and unasked, of leaders and of what they started."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from fairlead import procfs
from fairlead.core.model import Endpoint, Phase, Service
from fairlead.platforms.process import ProcessPlatform
from tests.ground import until
from tests.platforms.ground import STUBBORN, Ground, find, is_alive, python, shell, sleeper

FORK = "sleep 300 & echo $!; "


async def started(
    ground: Ground, service: Service, says: str = ""
) -> tuple[ProcessPlatform, Endpoint]:
    platform = ground.platform()
    endpoint = await platform.start(service)
    if says:
        await ground.output(endpoint, says)
    return platform, endpoint


async def child_of(ground: Ground, endpoint: Endpoint) -> int:
    return int((await ground.output(endpoint)).split()[0])


@pytest.mark.parametrize(
    ("script", "how"),
    [("exit 0", "exit 0"), ("exit 7", "exit 7"), ("kill -9 $$", "signal 9")],
)
async def test_an_end_is_told_reaped_and_noted(ground: Ground, script: str, how: str) -> None:
    platform, endpoint = await started(ground, shell(script))
    ended = await ground.phase(platform, endpoint, Phase.EXITED)
    assert ended.exit == how
    assert ended.pid is None
    assert [name for _, name in ground.notified] == ["catalog"]
    assert endpoint.pid
    assert procfs.stat(endpoint.pid) is None


async def test_an_end_is_noticed_within_milliseconds(ground: Ground) -> None:
    platform = ground.platform()
    took = []
    for number in range(1, 6):
        endpoint = await platform.start(sleeper())
        assert endpoint.pid
        begin = time.monotonic()
        os.kill(endpoint.pid, signal.SIGKILL)
        await until(lambda n=number: len(ground.notified) == n)
        took.append(ground.notified[-1][0] - begin)
    assert min(took) < 0.05


async def test_a_willing_one_stops_on_sigterm(ground: Ground) -> None:
    platform, endpoint = await started(ground, sleeper())
    begin = time.monotonic()
    await platform.stop(endpoint, 60)
    assert find(platform, endpoint).phase is Phase.STOPPING
    ended = await ground.phase(platform, endpoint, Phase.EXITED)
    assert ended.exit == "signal 15"
    assert time.monotonic() - begin < 10


async def test_a_stubborn_one_is_killed_after_the_timeout_and_not_before(ground: Ground) -> None:
    code = f"{STUBBORN}; print('up', flush=True); time.sleep(300)"
    platform, endpoint = await started(ground, python(code), "up")
    begin = time.monotonic()
    await platform.stop(endpoint, 0.3)
    assert time.monotonic() - begin < 0.2
    ended = await ground.phase(platform, endpoint, Phase.EXITED)
    assert ended.exit == "signal 9"
    assert ground.notified[0][0] - begin >= 0.3


async def test_a_second_stop_can_only_hasten(ground: Ground) -> None:
    code = f"{STUBBORN}; print('up', flush=True); time.sleep(300)"
    platform, endpoint = await started(ground, python(code), "up")
    await platform.stop(endpoint, 300)
    await platform.stop(endpoint, 0.1)
    await platform.stop(endpoint, 300)
    await ground.phase(platform, endpoint, Phase.EXITED)


async def test_stubborn_children_are_killed_with_their_group(ground: Ground) -> None:
    code = f"""
import os, time
{STUBBORN}
child = os.fork()
if child:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print(child, flush=True)
time.sleep(300)
"""
    platform, endpoint = await started(ground, python(code))
    child = await child_of(ground, endpoint)
    await platform.stop(endpoint, 0.3)
    await until(lambda: not is_alive(endpoint.pid or 0), "the leader ends at once")
    assert find(platform, endpoint).phase is Phase.STOPPING or not is_alive(child)
    await ground.phase(platform, endpoint, Phase.EXITED)
    assert not is_alive(child)


async def test_children_have_until_the_timeout_to_end_by_themselves(
    ground: Ground, tmp_path: Path
) -> None:
    """A wrapper ends at once on SIGTERM; the program in it finishes what it has in hand."""
    code = f"""
import os, time
def finish(*_):
    time.sleep(0.3)
    open({str(tmp_path / "finished")!r}, "w")
    os._exit(0)
import signal
if child := os.fork():
    print(child, flush=True)
else:
    signal.signal(signal.SIGTERM, finish)
    print("up", flush=True)
time.sleep(300)
"""
    platform, endpoint = await started(ground, python(code), "up")
    await platform.stop(endpoint, 60)
    ended = await ground.phase(platform, endpoint, Phase.EXITED)
    assert (tmp_path / "finished").exists()
    assert ended.exit == "signal 15"


async def test_a_leader_that_crashes_takes_its_children_along(ground: Ground) -> None:
    platform, endpoint = await started(ground, shell(f"{FORK} wait"))
    child = await child_of(ground, endpoint)
    assert endpoint.pid
    os.kill(endpoint.pid, signal.SIGKILL)
    await ground.phase(platform, endpoint, Phase.EXITED)
    await until(lambda: not is_alive(child), "the child gone")


async def test_children_in_a_group_of_their_own_are_ended_too(ground: Ground) -> None:
    code = """
import os, time
if child := os.fork():
    print(child, flush=True)
else:
    os.setpgid(0, 0)
time.sleep(300)
"""
    platform, endpoint = await started(ground, python(code))
    child = await child_of(ground, endpoint)
    await until(lambda: os.getpgid(child) == child, "the child's own group")
    await platform.stop(endpoint, 60)
    await ground.phase(platform, endpoint, Phase.EXITED)
    assert not is_alive(child)


async def test_stop_all_finds_even_what_left_the_session(ground: Ground) -> None:
    platform, endpoint = await started(ground, shell("setsid sleep 300 & echo $!; sleep 300"))
    child = await child_of(ground, endpoint)
    await until(lambda: os.getsid(child) == child, "the child's own session")
    await platform.stop_all(60)
    await until(lambda: not is_alive(child), "the child gone")


async def test_stop_during_the_last_breath_is_no_error(ground: Ground) -> None:
    platform, endpoint = await started(ground, sleeper())
    assert endpoint.pid
    os.kill(endpoint.pid, signal.SIGKILL)
    os.waitid(os.P_PID, endpoint.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop is not to see it first
    await platform.stop(endpoint, 60)  # before the loop can have noticed
    ended = await ground.phase(platform, endpoint, Phase.EXITED)
    assert ended.exit == "signal 9"


async def test_a_process_reaped_by_another_ends_without_a_status(ground: Ground) -> None:
    platform, endpoint = await started(ground, shell("exit 3"))
    assert endpoint.pid
    os.waitpid(endpoint.pid, 0)  # noqa: ASYNC222 - the loop is not to see it first
    ended = await ground.phase(platform, endpoint, Phase.EXITED)
    assert ended.exit == "ended (adopted, status unknown)"


async def test_a_number_that_is_anothers_by_now_gets_no_signal(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated: the leader is reaped, and its number shows another process."""
    platform, endpoint = await started(ground, shell(f"{FORK} wait"))
    child = await child_of(ground, endpoint)
    assert endpoint.pid
    os.kill(endpoint.pid, signal.SIGKILL)
    os.waitpid(endpoint.pid, 0)  # noqa: ASYNC222 - the loop is not to see it first
    real = procfs.stat
    monkeypatch.setattr(
        procfs, "stat", lambda pid: real(os.getpid() if pid == endpoint.pid else pid)
    )
    await ground.phase(platform, endpoint, Phase.EXITED)
    assert is_alive(child)
