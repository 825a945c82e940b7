"""Hosts on a network of their own: each a network namespace, joined by a bridge in one more.

    with lan("10.0.1") as network:
        node = network.host(100)          # 10.0.1.100
        with node.entered():              # processes and sockets made here stay there
            subprocess.Popen(...)
        network.cut(node)                 # its cable: nothing comes in or out
        network.mend(node)

Nothing of the machine's own network is touched. What a run that was killed has left is cleared away
by the next one: the names of namespaces hold the run's process id.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.ground import missing

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of sched.h; os.setns is of Python 3.12
_NAMES = re.compile(r"fl-(\d+)-\w+")
_PORTS = "15000 32767"
"""Of outgoing connections: below those that the local ECS gives to tasks."""
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Space:
    """One network namespace, with its address there."""

    name: str
    address: str = ""

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in it, and whatever it starts and opens meanwhile stays there."""
        with Path("/proc/thread-self/ns/net").open() as here:
            with Path(f"/run/netns/{self.name}").open() as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())

    def run(self, *words: str) -> None:
        """A command in it, to its end."""
        _run("ip", "netns", "exec", self.name, *words)

    def pids(self) -> list[int]:
        done = subprocess.run(
            ["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in done.stdout.split() if int(pid) != os.getpid()]

    def kill(self, *pids: int) -> None:
        """These processes, or all in it, at once."""
        for pid in pids or self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def refuse(self, *rule: str) -> None:
        """Packets that are to leave it so are lost, without a word to anybody."""
        self.run("iptables", "-w", "-A", "OUTPUT", *rule, "-j", "DROP")

    def allow(self) -> None:
        """All packets again."""
        self.run("iptables", "-w", "-F", "OUTPUT")

    def remove(self) -> None:
        self.kill()
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL, check=False)


class Lan:
    """A bridge with a network of 254 addresses, `first` of them being its first three bytes. The
    bridge's own namespace has the address .1."""

    def __init__(self, first: str) -> None:
        self._first, self._made = first, list[Space]()
        self.bridge = self._space("lan", 1)
        self._ip("link", "add", "br0", "type", "bridge")
        self._ip("addr", "add", f"{self.bridge.address}/24", "dev", "br0")
        self._ip("link", "set", "br0", "up")

    def host(self, number: int) -> Space:
        """One more, with that last byte of its address."""
        host, link = self._space(f"h{number}", number), f"v{number}"
        self._ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        self._ip("link", "set", link, "master", "br0", "up")
        for words in (
            ("addr", "add", f"{host.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            _run("ip", "-n", host.name, *words)
        with host.entered():
            Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(_PORTS)
        return host

    def cut(self, host: Space) -> None:
        self._ip("link", "set", f"v{host.address.rpartition('.')[2]}", "down")

    def mend(self, host: Space) -> None:
        self._ip("link", "set", f"v{host.address.rpartition('.')[2]}", "up")

    def close(self) -> None:
        for space in reversed(self._made):
            space.remove()

    def _space(self, name: str, number: int) -> Space:
        made = Space(f"fl-{os.getpid()}-{name}", f"{self._first}.{number}")
        _run("ip", "netns", "add", made.name)
        self._made.append(made)
        _run("ip", "-n", made.name, "link", "set", "lo", "up")
        return made

    def _ip(self, *words: str) -> None:
        _run("ip", "-n", self.bridge.name, *words)


@contextmanager
def lan(first: str) -> Iterator[Lan]:
    """Skips at home and fails in CI where there can be none."""
    if problem := absent():
        missing(problem)
    _sweep()
    made = Lan(first)
    try:
        yield made
    finally:
        made.close()


def absent() -> str:
    """Why there can be no namespaces here, or empty."""
    if lacking := [name for name in ("ip", "iptables") if not shutil.which(name)]:
        return f"missing: {', '.join(lacking)} (apt-get install iproute2 iptables)"
    return "network namespaces need root" if os.geteuid() != 0 else ""


def _sweep() -> None:
    """Of runs that have ended without doing it."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        name = line.partition(" ")[0]
        found = _NAMES.fullmatch(name)
        if found and not Path(f"/proc/{found[1]}").exists():
            Space(name).remove()


def _enter(handle: int) -> None:
    if _libc.setns(handle, _NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
