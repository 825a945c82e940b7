"""Many requests while everything happens at once: does one get lost, does anything leak?

    python -m bench.soak --minutes 5 --seed 7

A random but repeatable row of actions meets clients of every kind on a whole fairlead: scale, roll,
restart, drain, `kill -9` of endpoints, of nginx workers and of fairlead (also in the middle of any
other action), endpoints that hang, reloads, broken settings files, fixed endpoints that come and
go. Every few actions the clients pause, and all must be at rest: counts as wanted, nothing in
flight, no problem left, no more file descriptors than before.

What may fail, and why nothing can be done about it; anything else is a finding:

| what happened      | which requests                        | why                               |
| ------------------ | ------------------------------------- | --------------------------------- |
| a worker of nginx  | those on its connections, within a    | the kernel ends the connections   |
| was killed         | second                                | of a process that died            |
| nginx was reloaded | at most one a connection, where it    | nginx 1.22 closes idle ones at    |
|                    | crosses with the close                | once (keepalive_min_timeout: 1.27) |
| nginx was killed   | the same, when its next one answers   | its orphans go as in a reload     |
| an app closed a    | a POST that was sent at that moment   | the app may have done it, so it   |
| connection without | (service `cut`, which does it every   | cannot be sent again; GETs are    |
| a word             | 50 answers and when idle for 1 s)     |                                   |
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.soak_clients import KINDS, Steady, Tally, repeat
from fairlead import procfs
from tests.ground import free_ports
from tests.integration.cluster import RunningCluster

APP = Path(__file__).parent / "soak_app.py"
ROUND = 10
"""Actions between two rests."""
CRASH = 0.3
"""How often fairlead is killed in the middle of an action."""
GROWTH = 3
"""File descriptors that a process at rest may have more than at its first rest."""
TOLD = 20
"""Lost requests that are told as they happen; all are counted."""
VERBOSE = "VERBOSE" in os.environ
"""Tell each action too."""


def service(name: str, replicas: int, **more: Any) -> dict[str, Any]:
    return {
        "run": [sys.executable, str(APP), "{port}"],
        "routes": [f"{name}.localhost"],
        "replicas": replicas,
        "health": {"path": "/health", "interval": "500ms", "timeout": "1s"},
        "drain": {"timeout": "15s"},
        **more,
    }


@dataclass
class Excuse:
    """Failures of these clients are expected until then (monotonic)."""

    clients: str
    until: float
    why: str


@dataclass
class Findings:
    """What failed without an excuse, and what was excused by what."""

    excuses: list[Excuse] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    doing: str = ""

    def failed(self, client: str, reason: str) -> None:
        now = time.monotonic()
        for excuse in self.excuses:
            if now <= excuse.until and re.fullmatch(excuse.clients, client):
                self.excused[f"{excuse.why}: {client}: {reason}"] += 1
                return
        self.lost[f"{client}: {reason}"] += 1
        if self.lost.total() <= TOLD:
            told = f"LOST {client}: {reason} (during: {self.doing})"
            print(time.strftime("%H:%M:%S"), told, flush=True)

    def excuse(self, clients: str, seconds: float, why: str) -> None:
        self.excuses = [e for e in self.excuses if e.until > time.monotonic() - 60]
        self.excuses.append(Excuse(clients, time.monotonic() + seconds, why))


class Elsewhere:
    """Endpoints that fairlead did not start, for the service of fixed ones."""

    def __init__(self, count: int) -> None:
        self.ports = free_ports(count)
        env = {**os.environ, "NAME": "fixed"}
        self.processes = [
            subprocess.Popen([sys.executable, str(APP), str(port)], env=env) for port in self.ports
        ]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


class Soak:
    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.found = Findings()
        self.tally = Tally(self.found.failed)
        self.elsewhere = Elsewhere(4)
        base = 21_000 + seed % 100 * 80
        self.shop = RunningCluster(
            folder, {"services": self._services(), "ports": f"{base}-{base + 39}"}
        )
        self.second = free_ports(1)[0]
        self.done: Counter[str] = Counter()
        self.first: dict[tuple[str, int], tuple[int, float]] = {}
        self.last: dict[tuple[str, int], tuple[int, float]] = {}
        self.hung: set[int] = set()
        self.kills: list[int] = []

    def _services(self) -> dict[str, Any]:
        fixed = service("fixed", 1, endpoints=[f"127.0.0.1:{p}" for p in self.elsewhere.ports[:2]])
        del fixed["run"], fixed["replicas"]
        return {
            "app": service("app", 2),
            "crash": service("crash", 3),
            "cut": service("cut", 2, env={"IDLE": "1", "CUT": "50"}),
            "fixed": fixed,
        }

    # What happens

    def actions(self) -> list[tuple[int, Callable[[], Awaitable[None]]]]:
        return [
            (5, self.scale), (3, self.roll), (2, self.restart), (4, self.drain),
            (3, self.kill_endpoint), (2, self.hang), (1, self.kill_worker), (1, self.reload),
            (1, self.bad_file), (3, self.change_fixed), (1, self.two_applies), (1, self.bad_roll),
            (1, self.remove_and_add), (1, self.foreign), (3, self.kill_fairlead), (1, self.settle),
            (1, self.kill_nginx), (1, self.hand_over),
        ]  # fmt: skip

    async def act(self) -> None:
        weights, choices = zip(*self.actions(), strict=True)
        action = self.random.choices(choices, weights)[0]
        name = action.__name__
        self.found.doing = f"{name} after {self.found.doing.split(' after ')[0]}"
        self.done[name] += 1
        if VERBOSE:
            print(time.strftime("%H:%M:%S"), name, flush=True)
        await action()
        if self.random.random() < CRASH:
            await asyncio.sleep(self.random.random() * self.random.choice((0.01, 0.1, 0.5, 2)))
            await self.kill_fairlead()
        elif self.random.random() < 0.4:
            await self.settle()
        else:
            await asyncio.sleep(self.random.random() * 1.5)

    async def ask(self, call: Callable[..., Any], *given: Any) -> None:
        await asyncio.to_thread(call, *given)

    async def apply(self) -> None:
        self.shop.write()
        await self.ask(self.shop.client.apply)

    @property
    def settings(self) -> dict[str, Any]:
        services: dict[str, Any] = self.shop.settings["services"]
        return services

    def any_service(self) -> str:
        return self.random.choice(("app", "crash", "cut"))

    async def scale(self) -> None:
        name = self.any_service()
        await self.ask(self.shop.client.scale, name, self.random.randint(1, 4))

    async def roll(self) -> None:
        env = self.settings[self.any_service()].setdefault("env", {})
        env["VERSION"] = str(self.random.random())
        env["START_DELAY"] = self.random.choice(("0", "0", "0.5", "2"))
        await self.apply()

    async def restart(self) -> None:
        await self.ask(self.shop.client.restart, self.any_service())

    async def drain(self) -> None:
        name = self.any_service()
        if endpoints := await asyncio.to_thread(self.shop.endpoints, name):
            with suppress(Exception):  # it may be gone by now
                await self.ask(self.shop.client.drain, name, self.random.choice(endpoints)["id"])

    async def _victim(self) -> int | None:
        """One of the service that expects it; it may be the only one."""
        endpoints = await asyncio.to_thread(self.shop.endpoints, "crash")
        ready = [e["pid"] for e in endpoints if e["state"] == "ready" and e["pid"] not in self.hung]
        return self.random.choice(ready) if ready and not self.hung else None

    async def kill_endpoint(self) -> None:
        """Of a single one fairlead must live to bring the next: it is waited for."""
        if pid := await self._victim():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            await self.shop.until(lambda: self._others(pid), "another is ready")

    def _others(self, pid: int) -> bool:
        ready = [e["pid"] for e in self.shop.endpoints("crash") if e["state"] == "ready"]
        return bool(ready) and pid not in ready

    async def hang(self) -> None:
        """It accepts connections and answers nothing, for a while."""
        if pid := await self._victim():
            self.hung.add(pid)
            os.kill(pid, signal.SIGSTOP)
            seconds = self.random.choice((0.2, 1.0, 6.0))
            asyncio.get_running_loop().call_later(seconds, self._go_on, pid)

    def _go_on(self, pid: int) -> None:
        self.hung.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def kill_worker(self) -> None:
        workers = self.workers()
        if workers:
            self.found.excuse(".*", 1.0, "nginx worker killed")
            os.kill(self.random.choice(workers), signal.SIGKILL)

    async def kill_nginx(self) -> None:
        """Its master; the workers finish what they are at when the next one answers."""
        self.found.excuse(".*", 10.0, "nginx killed")
        master: Any = self.shop.client.status()["proxy"]["pid"]
        if master:
            os.kill(master, signal.SIGKILL)

    async def hand_over(self) -> None:
        """One fairlead ends in order and leaves everything to the next."""
        with suppress(Exception):  # it may end before it has answered
            await asyncio.to_thread(self.shop.client.down, keep=True)
        assert self.shop.daemon
        await asyncio.to_thread(self.shop.daemon.wait, 30)
        await self.shop.start()

    async def reload(self) -> None:
        """Its own settings change, sometimes what it listens on too."""
        proxy = self.shop.settings.setdefault("proxy", {})
        proxy["max_body"] = f"{self.random.randint(64, 900)}m"
        ports = [self.shop.port, *self.random.choice(((), (self.second,)))]
        self.shop.settings["listen"] = [f"127.0.0.1:{port}" for port in ports]
        self.found.excuse(".*", 10.0, "nginx reloaded")  # later when fairlead is killed meanwhile
        await self.apply()

    async def bad_file(self) -> None:
        good = self.shop.file.read_text()
        self.shop.file.write_text(good.replace("replicas", "replicaz"))
        with suppress(Exception):
            await self.ask(self.shop.client.apply)
            self.found.wrong.append("a bad file was applied")
        self.shop.file.write_text(good)

    async def change_fixed(self) -> None:
        count = self.random.randint(1, 4)
        ports = self.random.sample(self.elsewhere.ports, count)
        self.settings["fixed"]["endpoints"] = [f"127.0.0.1:{port}" for port in ports]
        await self.apply()

    async def two_applies(self) -> None:
        for _ in range(2):
            await self.roll()
        await self.change_fixed()

    async def bad_roll(self) -> None:
        """Its new endpoints end at once; then the good file again."""
        env = self.settings["app"].setdefault("env", {})
        before = dict(env)
        env["IDLE"] = "no number"
        await self.apply()
        await asyncio.sleep(self.random.random() * 2)
        env.clear()
        env.update(before)
        await self.apply()

    async def remove_and_add(self) -> None:
        """A service that nobody asks for, so that its absence fails nothing."""
        self.settings["extra"] = service("extra", 2)
        await self.apply()
        await asyncio.sleep(self.random.random() * 1.5)
        del self.settings["extra"]
        await self.apply()
        if self.random.random() < 0.5:
            await asyncio.sleep(self.random.random() * 0.3)
            self.settings["extra"] = service("extra", 1)
            await self.apply()
            del self.settings["extra"]
            await self.apply()

    async def foreign(self) -> None:
        """Somebody else takes ports of our range for a while."""
        first = int(self.shop.settings["ports"].partition("-")[0])
        server = None
        for port in self.random.sample(range(first, first + 40), 40):
            with suppress(OSError):
                server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", port)
                break
        if server:
            asyncio.get_running_loop().call_later(5, server.close)

    async def kill_fairlead(self) -> None:
        self.done["fairlead killed"] += 1
        self.shop.kill_daemon()
        await asyncio.sleep(self.random.choice((0, 0, 0.3, 1.5)) * self.random.random())
        for _ in range(self.random.choice((0, 0, 0, 2))):  # also while it starts
            self.done["fairlead killed while starting"] += 1
            command = [
                sys.executable,
                "-m",
                "fairlead.daemon",
                str(self.shop.file),
                str(self.shop.state),
            ]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
            await asyncio.sleep(0.1 + self.random.random() * 0.5)
            process.kill()
            process.wait()
        await self.shop.start()

    async def settle(self) -> None:
        """Until all counts are as wanted."""
        await self.shop.until(lambda: not self.unsettled(), f"settled: {self.unsettled()}", 60)

    def unsettled(self) -> list[str]:
        status: Any = self.shop.client.status()
        return [
            f"{s['name']}: {s['ready']} of {s['desired']} ready, {s['problem']} "
            f"{[e['state'] for e in s['endpoints']]}"
            for s in status["services"]
            if s["problem"] or not _at_rest(s, len(self.settings["fixed"]["endpoints"]))
        ]  # fmt: skip

    # What must hold

    def workers(self) -> list[int]:
        """Of the present nginx, without those that are about to go."""
        master: Any = self.shop.client.status()["proxy"]["pid"]
        titles = {p: procfs.command_line(p) for p in procfs.session_members(master)}
        return [p for p, title in titles.items() if title == "nginx: worker process"]

    async def rest(self) -> None:
        """Nobody asks for anything: nothing may be left of all that was."""
        await self.settle()
        await self.shop.until(lambda: not self.busy(), f"nothing in flight: {self.busy()}", 30)
        await asyncio.sleep(1.5)
        status: Any = self.shop.client.status()
        generation = json.loads(self._control("/info"))["generation"]
        if generation != status["proxy"]["generation"]:
            self.found.wrong.append(
                f"generation {generation} of nginx, {status['proxy']['generation']} told"
            )
        for line in self._counters_below_zero():
            self.found.wrong.append(line)
        self._measure(int(status["proxy"]["pid"]))

    def busy(self) -> list[str]:
        status: Any = self.shop.client.status()
        return [
            f"{e['id']}: {e['in_flight']}"
            for s in status["services"] for e in s["endpoints"] if e["in_flight"]
        ]  # fmt: skip

    def _control(self, path: str) -> str:
        socket = str(self.shop.state / "nginx" / "control.sock")
        command = ["curl", "-sS", "--unix-socket", socket, f"http://fairlead{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def _counters_below_zero(self) -> list[str]:
        counters = json.loads(self._control("/counters"))
        return [f"{key}: {value}" for key, value in counters.items() if "-" in json.dumps(value)]

    def _measure(self, master: int) -> None:
        assert self.shop.daemon
        pids = {("fairlead", self.shop.daemon.pid), ("nginx", master)}
        for key in {*pids, *(("worker", pid) for pid in self.workers())}:
            now = (_descriptors(key[1]), _resident(key[1]))
            self.last[key] = now
            before = self.first.setdefault(key, now)
            if now[0] > before[0] + GROWTH:
                self.found.wrong.append(f"{key}: {now[0]} file descriptors, {before[0]} at first")

    async def run(self, seconds: float) -> None:
        await self.shop.start()
        await self.settle()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stop = asyncio.Event()
            clients = [asyncio.create_task(c) for c in self._clients(stop)]
            for _ in range(ROUND):
                await self.act()
            stop.set()
            await asyncio.gather(*clients)
            self.found.doing = "rest"
            await self.rest()
            left = max(0, end - time.monotonic())
            print(
                f"{self.requests} requests, lost {self.found.lost.total()}, {left:.0f} s left",
                flush=True,
            )

    def _clients(self, stop: asyncio.Event) -> list[Any]:
        port, tally = self.shop.port, self.tally
        self.found.excuse("cut POST", 1e6, "the app closed unannounced")
        steady = [
            *[Steady("app", tally) for _ in range(5)],
            *[Steady("crash", tally, only_get=True) for _ in range(4)],
            *[Steady("cut", tally, only_get=True) for _ in range(2)],
            *[Steady("fixed", tally) for _ in range(2)],
            Steady("cut", tally, only_post=True),
        ]
        odd = [repeat(kind, "app.localhost", port, tally, stop) for kind in KINDS]
        return [*[client.run(port, stop) for client in steady], *odd]

    @property
    def requests(self) -> int:
        return self.tally.done.total()

    def report(self) -> bool:
        print("actions:", dict(self.done.most_common()))
        print("requests:", dict(self.tally.done.most_common()))
        print("events:", dict(Counter(self.shop_events).most_common()))
        for title, counted in (("excused", self.found.excused), ("LOST", self.found.lost)):
            for what, count in counted.most_common():
                print(f"{title}: {count} x {what}")
        for key, (descriptors, resident) in sorted(self.first.items()):
            now = self.last[key]
            print(
                f"{key}: {descriptors} -> {now[0]} descriptors, {resident:.1f} -> {now[1]:.1f} MiB"
            )
        for text in self.found.wrong:
            print("WRONG:", text)
        return not self.found.lost and not self.found.wrong

    @property
    def shop_events(self) -> list[str]:
        with suppress(OSError):
            lines = (self.shop.state / "events.jsonl").read_text().splitlines()
            return [json.loads(line)["kind"] for line in lines]
        return []


def _at_rest(one: Any, fixed: int) -> bool:
    wanted = fixed if one["name"] == "fixed" else one["desired"]
    return [e["state"] for e in one["endpoints"]] == ["ready"] * wanted


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


def _resident(pid: int) -> float:
    """MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def soak(minutes: float, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="fairlead-soak-") as folder:
        one = Soak(Path(folder), seed)
        try:
            await one.run(minutes * 60)
        except BaseException:
            print(one.shop.log())
            raise
        finally:
            fine = one.report()
            one.elsewhere.end()
            for pid in tuple(one.hung):
                one._go_on(pid)  # noqa: SLF001
            await one.shop.down()
    return fine


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(soak(given.minutes, given.seed)) else 1)
