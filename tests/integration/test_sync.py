"""`fairlead sync` on an nginx that somebody else runs: one command, and all copies get requests."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.core.errors import WireError
from fairlead.daemon.lock import hold
from fairlead.rehearsal.rehearsal import Rehearsal
from fairlead.wire import Request
from tests.ground import fetch, free_port, until
from tests.integration.cluster import APP
from tests.proxies.nginx.ground import Ground, endpoint
from tests.proxies.plain.ground import PlainGround, plain_ground
from tests.rehearsal.ground import aws_of, rehearsal, running

pytestmark = pytest.mark.integration

SCALE = """aws ecs update-service \\
  --cluster shop-ecs \\
  --service shop-catalog \\
  --desired-count {}"""


@dataclass
class Machine:
    """A settings file and a plain nginx. `env` is what AWS's tools read."""

    folder: Path
    nginx: PlainGround
    env: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "fairlead.yaml"

    def write(self, services: dict[str, Any], **settings: Any) -> None:
        plain = self.nginx.plain
        proxy = {
            "kind": "plain",
            "upstreams": plain.upstreams,
            "binary": list(plain.binary),
            "confirm": plain.confirm,
            "debounce": "10ms",
        }
        document = {
            "listen": f"127.0.0.1:{self.nginx.port}",
            "proxy": proxy,
            "services": services,
            **settings,
        }
        self.file.write_text(yaml.safe_dump(document))

    async def sync(self, *words: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fairlead", "sync", *words, "-f", str(self.file),
            env={**self.env, "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def synced(self, *words: str) -> str:
        status, out, err = await self.sync(*words)
        assert (status, err) == (0, ""), out
        return out

    async def answers(self, count: int = 40) -> Counter[str]:
        """How often each instance answered."""
        found: Counter[str] = Counter()
        for _ in range(count):
            request = Request("GET", "/a", (("host", "catalog.localhost"),))
            answer = await fetch(self.nginx.port, request)
            assert answer.status == 200, answer
            found[dict(answer.headers).get("x-instance", answer.body.decode())] += 1
        return found


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with plain_ground(tmp_path / "nginx") as nginx:
        yield Machine(tmp_path, nginx)


def fixed(*ports: int, **more: Any) -> dict[str, Any]:
    places = [f"127.0.0.1:{port}" for port in ports]
    health = {"interval": "20ms", "timeout": "500ms"}
    service = {"endpoints": places, "routes": ["catalog.localhost"], "health": health, **more}
    return {"catalog": service}


class Ask:
    """Asks without a pause, each time on a connection of its own, and keeps what failed."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self.asked, self.failed = machine, 0, []  # type: ignore[var-annotated]
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Ask:
        self._task = asyncio.create_task(self._go())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _go(self) -> None:
        while True:
            try:
                await self._machine.answers(1)
            except Exception as error:  # noqa: BLE001 - each of them is a lost request
                self.failed.append(error)
            self.asked += 1

    async def more(self, count: int = 50) -> None:
        wanted = self.asked + count
        await until(lambda: self.asked >= wanted, f"{count} requests more")


async def test_the_case_that_started_it_all(machine: Machine) -> None:
    """Two tasks of catalog on one node, hostPort 0: one command, and both get requests."""
    async with rehearsal(nodes=1, cluster="shop-ecs") as ecs:
        machine.env = {**ecs.environment(), "AWS_CONFIG_FILE": str(machine.folder / "none")}
        machine.write(
            {
                "catalog": {
                    "service": "shop-catalog",
                    "routes": ["catalog.localhost"],
                    "health": {"path": "/health"},
                }
            },
            platform="ecs",
            ecs={"cluster": "shop-ecs", "interval": "500ms"},
        )
        aws = aws_of(ecs)
        command = [sys.executable, str(APP), "{port}"]
        ecs.serve("shop-catalog", ecs.define("catalog", *command, host_port=0))
        await running(ecs, 1)
        assert "1 endpoint in use" in await machine.synced("catalog")
        await aws(SCALE.format(2))
        await running(ecs, 2)
        async with Ask(machine) as ask:
            await ask.more()
            told = await machine.synced("catalog")
            assert told.count("catalog: + ") == 1
            assert told.endswith("catalog: 2 endpoints in use\n")
            both = await machine.answers()
            assert len(both) == 2
            assert await machine.synced("catalog", "--quiet") == ""
            await aws(SCALE.format(1))
            await _left(ecs, 1)
            told = await machine.synced("catalog")
            assert told.count("catalog: - ") == 1
            await ask.more()
        assert not ask.failed
        assert len(await machine.answers()) == 1
        await aws(SCALE.format(0))
        await _left(ecs, 0)
        assert "catalog: 0 endpoints in use" in await machine.synced("catalog")
        assert (await machine.nginx.get("catalog"))[0] == 503


async def _left(ecs: Rehearsal, count: int) -> None:
    """ECS has begun to take away what is too much."""

    def so() -> bool:
        listed = ecs.call("ListTasks", cluster="shop-ecs", serviceName="shop-catalog")
        return len(listed["taskArns"]) == count

    await until(so, f"{count} tasks are to run")


async def test_aws_that_does_not_answer_changes_nothing(machine: Machine) -> None:
    async with rehearsal(nodes=1, cluster="shop-ecs") as ecs:
        machine.env = {**ecs.environment(), "AWS_CONFIG_FILE": str(machine.folder / "none")}
        service = {"service": "shop-catalog", "routes": ["catalog.localhost"]}
        machine.write({"catalog": service}, platform="ecs", ecs={"cluster": "shop-ecs"})
        command = [sys.executable, str(APP), "{port}"]
        ecs.serve("shop-catalog", ecs.define("catalog", *command, host_port=0), 2)
        await running(ecs, 2)
        await machine.synced()
        before = machine.nginx.text()
        good, machine.env = (
            machine.env,
            {
                name: f"http://127.0.0.1:{free_port()}"
                if name.startswith("AWS_ENDPOINT")
                else value
                for name, value in machine.env.items()
            },
        )
        status, out, err = await machine.sync("--timeout", "2")
        assert status == 1
        assert "stay as they were" in err or "discovered" in err or "answer" in err, err
        assert out == ""
        assert machine.nginx.text() == before
        assert len(await machine.answers()) == 2
        machine.env = good
        assert "nothing has changed" in await machine.synced()


async def test_endpoints_that_fail_their_checks_are_not_taken_in_and_are_taken_out(
    machine: Machine,
) -> None:
    async with endpoint("one") as one, endpoint("two") as two:
        dead = free_port()
        machine.write(fixed(one.port, two.port, dead))
        status, out, err = await machine.sync("--timeout", "1")
        assert (status, err) == (0, "")
        assert f"catalog: + 127.0.0.1:{one.port}" in out
        assert str(dead) not in out
        assert set(await machine.answers()) == {"one", "two"}
    async with endpoint("one") as one:
        machine.write(fixed(one.port, two.port))
        out = await machine.synced("--timeout", "2")
        assert set(await machine.answers()) == {"one"}


async def test_when_none_passes_all_stay_and_it_is_said(machine: Machine) -> None:
    async with endpoint("one") as one:
        machine.write(fixed(one.port))
        await machine.synced()
        before = machine.nginx.text()
        machine.write(fixed(one.port, health={"path": "/", "status": 204, "interval": "20ms"}))
        status, out, err = await machine.sync("--timeout", "1")
        assert (status, out) == (1, "")
        assert "none of its 1 endpoints passes its check (status 200, expected 204)" in err
        assert await machine.answers() == Counter({"one": 40})
        assert f"server 127.0.0.1:{one.port} weight=1 max_fails=0;" in machine.nginx.text()
        assert before.split("upstream")[1] == machine.nginx.text().split("upstream")[1]


async def test_one_that_never_passed_is_tried_where_there_is_no_other(machine: Machine) -> None:
    async with endpoint("one") as one:
        health = {"path": "/", "status": 204, "interval": "20ms"}
        machine.write(fixed(one.port, health=health))
        status, out, err = await machine.sync("--timeout", "0.5")
        assert status == 1
        assert "+ 127.0.0.1" in out
        assert "all of them stay in use" in err
        assert set(await machine.answers()) == {"one"}


async def test_a_dry_run_says_it_and_touches_nothing(machine: Machine) -> None:
    async with endpoint("one") as one:
        machine.write(fixed(one.port))
        out = await machine.synced("--dry-run", "--json")
        (told,) = json.loads(out)["services"]
        assert [(e["address"], e["port"]) for e in told["added"]] == [("127.0.0.1", one.port)]
        assert list(machine.nginx.sites.iterdir()) == []
        assert not (machine.folder / ".fairlead").exists()
        await machine.synced()
        before = machine.nginx.text()
        machine.write(fixed(free_port()))
        await machine.sync("--dry-run", "--timeout", "0.5")
        assert machine.nginx.text() == before


async def test_one_service_is_synced_and_the_others_are_left_alone(machine: Machine) -> None:
    async with endpoint("one") as one, endpoint("two") as two:
        more = {**fixed(two.port)["catalog"], "routes": ["alerts.localhost"]}
        machine.write({**fixed(one.port), "alerts": more})
        await machine.synced("catalog")
        assert (await machine.nginx.get("alerts"))[0] == 503
        assert set(await machine.answers()) == {"one"}
        assert "alerts: + " in await machine.synced()
        assert await machine.nginx.get("alerts") == (200, "two")
        machine.write(fixed(one.port))
        assert "nothing has changed" in await machine.synced("catalog")
        assert await machine.nginx.get("alerts") == (200, "two")
        told = await machine.synced()
        assert f"alerts: - 127.0.0.1:{two.port}" in told
        assert "no longer wanted" in told
        assert (await machine.nginx.get("alerts"))[0] == 404


async def test_a_name_that_no_service_has_is_bad_input(machine: Machine) -> None:
    machine.write(fixed(free_port()))
    status, out, err = await machine.sync("catalogue")
    assert (status, out) == (2, "")
    assert err == "fairlead: no service 'catalogue' (there are: catalog)\n"


async def test_two_at_once_follow_one_another(machine: Machine) -> None:
    async with endpoint("one") as one:
        machine.write(fixed(one.port))
        done = await asyncio.gather(*(machine.sync() for _ in range(4)))
        assert [status for status, _, _ in done] == [0] * 4, done
        assert sum("+ 127.0.0.1" in out for _, out, _ in done) == 1
        assert set(await machine.answers()) == {"one"}


async def test_one_that_does_not_get_its_turn_says_so(machine: Machine) -> None:
    machine.write(fixed(free_port()))
    with hold(machine.folder / ".fairlead"):
        status, out, err = await machine.sync("--timeout", "0.3")
    assert (status, out) == (1, "")
    assert "another fairlead is at work" in err


async def test_beside_a_daemon_it_has_nothing_to_do(machine: Machine) -> None:
    async with endpoint("one") as one:
        machine.write(fixed(one.port))
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fairlead", "up", "-f", str(machine.file),
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:

            async def served() -> bool:
                with suppress(WireError):  # nothing of fairlead is served yet
                    return await machine.nginx.get("catalog") == (200, "one")
                return False

            await until(served, "the daemon keeps the plain nginx in step")
            status, _, err = await machine.sync()
            assert status == 1
            assert "a daemon keeps these services in step already" in err
        finally:
            daemon.terminate()
            await daemon.wait()
        assert daemon.returncode == 0
        assert (await machine.nginx.get("catalog"))[0] == 503


async def test_an_nginx_with_lua_takes_it_by_a_push(tmp_path: Path) -> None:
    ground = Ground(tmp_path / ".fairlead")
    async with endpoint("one") as one, endpoint("two") as two:
        await ground.proxy.start()
        await ground.proxy.close()
        file = tmp_path / "fairlead.yaml"
        for entries in ([one], [one, two]):
            settings = {
                "listen": f"127.0.0.1:{ground.port}",
                "proxy": {"workers": 1},
                "services": fixed(*(e.port for e in entries)),
            }
            file.write_text(yaml.safe_dump(settings))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "fairlead", "sync", "-f", str(file)
            )
            assert await process.wait() == 0
            got = {(await ground.get("catalog"))[1] for _ in range(40)}
            assert got == {entry.id for entry in entries}
        await ground.another().start()
        assert (await ground.proxy.info()).reloads == 0
        await ground.proxy.stop()
