"""A private Docker engine for tests: its own data, bridge and socket, stopped by pid.

    with private_engine() as engine:
        engine.host                      # unix:///…, for DOCKER_HOST and docker.host
        engine.image                     # a busybox image that serves its own name on port 8080
        await engine.docker("ps", "-a")  # what the docker command prints
        await engine.run("--name", "a", "-p", "127.0.0.1::8080", engine.image)
        engine.kill(); engine.start()    # an engine that crashes and comes back

Published ports are served by the engine's own proxy processes and container addresses by a bridge
of its own, both in this machine's network: no packet filter is touched, nothing is forwarded.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.ground import end_process, missing

PATIENCE = 60.0
SERVE = (
    "hostname > /www/index.html; trap 'exit 0' TERM;"
    " busybox httpd -f -p ${PORT:-8080} -h /www & wait"
)
"""Answers every GET with the container's hostname, and ends at once on SIGTERM."""
_APPLETS = (
    "sh",
    "sleep",
    "httpd",
    "hostname",
    "cat",
    "true",
    "false",
    "kill",
    "touch",
    "rm",
    "test",
)


def absent() -> str:
    """Why there can be no engine here, or empty."""
    lacking = [name for name in ("dockerd", "docker", "busybox", "ip") if not shutil.which(name)]
    if lacking:
        return f"missing: {', '.join(lacking)} (apt-get install docker.io busybox-static iproute2)"
    return "a Docker engine of its own needs root" if os.geteuid() != 0 else ""


def need_docker() -> None:
    """Without the parts of an engine a test skips at home and fails in CI."""
    if problem := absent():
        missing(problem)


@contextmanager
def private_engine(*, live_restore: bool = False) -> Iterator[PrivateEngine]:
    """Started, with its image; nothing of it is left afterwards."""
    need_docker()
    directory = Path(tempfile.mkdtemp(prefix="fl-docker-"))
    engine = PrivateEngine(directory, live_restore=live_restore)
    try:
        engine.start()
        engine.import_image(engine.image, busybox_files(), "EXPOSE 8080", _command(SERVE))
        yield engine
    finally:
        engine.close()


class PrivateEngine:
    """One dockerd with all that belongs to it."""

    image = "fairlead-test:1"

    def __init__(self, directory: Path, *, live_restore: bool) -> None:
        self.directory, self.live_restore = directory, live_restore
        self.host = f"unix://{directory}/sock"
        self._number = os.getpid() * 8 % 4096 + _next_number()
        self._links = [f"fl{os.getpid()}b{self._number % 8}"]
        self._process: subprocess.Popen[bytes] | None = None
        self._make_bridge()

    def start(self) -> None:
        """Returns when it answers. It adopts or clears away what an earlier run left."""
        self._process = subprocess.Popen(self._argv(), stdout=self._log(), stderr=self._log())
        self._wait_for(lambda: self._docker("version", check=False).returncode == 0)

    def kill(self) -> None:
        """As in a crash; its containers live on until it is started again.

        Its containerd goes with it (it asked the kernel for that), but may be a zombie for a
        while, which the next dockerd would take for a living one.
        """
        self._end(signal.SIGKILL)
        (self.directory / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """In order: its containers are stopped, unless it was made with live_restore."""
        self._end(signal.SIGTERM)

    def hang(self) -> None:
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process
        os.kill(self._process.pid, signal.SIGCONT)

    def import_image(self, name: str, files: Mapping[str, bytes | str], *changes: str) -> None:
        """An image of these files (bytes, or the target of a link), with Dockerfile lines."""
        options = [part for change in changes for part in ("-c", change)]
        self._docker("import", *options, "-", name, data=tar(files))

    async def docker(self, *arguments: str, check: bool = True) -> str:
        """What the command prints; AssertionError with its errors when it fails."""
        process = await asyncio.create_subprocess_exec(
            "docker", *arguments, env=self.environment(),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        assert not check or process.returncode == 0, errors.decode()
        return output.decode().strip()

    async def run(self, *arguments: str) -> str:
        """The id of a new container, started in the background."""
        return await self.docker("run", "-d", *arguments)

    async def network(self, name: str) -> None:
        """Another bridge network."""
        link = f"fl{os.getpid()}n{len(self._links)}x{self._number % 8}"[:15]
        self._links.append(link)
        bridge = f"com.docker.network.bridge.name={link}"
        await self.docker("network", "create", "-o", bridge, "--subnet", self._subnet(), name)

    async def clear(self) -> None:
        """No container is left."""
        if ids := (await self.docker("ps", "-aq")).split():
            await self.docker("rm", "-fv", *ids)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.host}

    def close(self) -> None:
        with suppress(AssertionError, subprocess.SubprocessError):
            self._clear_away()
        self.stop()
        _kill_below(self.directory)
        for link in self._links:
            subprocess.run(["ip", "link", "del", link], stderr=subprocess.DEVNULL, check=False)
        _unmount_below(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _clear_away(self) -> None:
        """Needs the engine: one that was killed is started once more."""
        if not self._process:
            self.start()
        ids = self._docker("ps", "-aq").stdout.decode().split()
        if ids:
            self._docker("rm", "-fv", *ids)

    def _end(self, number: signal.Signals) -> None:
        if self._process:
            end_process(self._process, number)
        self._process = None

    def _argv(self) -> list[str]:
        at = self.directory
        return [
            "dockerd", "--data-root", f"{at}/data", "--exec-root", f"{at}/exec",
            "--pidfile", f"{at}/pid", "--host", self.host, "--bridge", self._links[0],
            "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
            "--userland-proxy=true", *(["--live-restore"] if self.live_restore else []),
        ]  # fmt: skip

    def _log(self) -> int:
        path = self.directory / "log"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def _make_bridge(self) -> None:
        link, address = self._links[0], self._subnet().replace(".0/", ".1/")
        for command in (
            ["ip", "link", "add", link, "type", "bridge"],
            ["ip", "addr", "add", address, "dev", link],
            ["ip", "link", "set", link, "up"],
        ):
            subprocess.run(command, check=True)

    def _subnet(self) -> str:
        """Of 10.192.0.0/10, another for each bridge."""
        number = (self._number * 4 + len(self._links)) % 16384
        return f"10.{192 + number // 256}.{number % 256}.0/24"

    def _docker(
        self, *arguments: str, data: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            ["docker", *arguments], input=data, capture_output=True,
            env=self.environment(), check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    def _wait_for(self, holds: object) -> None:
        limit = time.monotonic() + PATIENCE
        assert callable(holds)
        while not holds():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > limit:
                log = (self.directory / "log").read_text()[-2000:]
                raise AssertionError(f"dockerd does not come up:\n{log}")
            time.sleep(0.02)


def busybox_files() -> dict[str, bytes | str]:
    """Debian's static busybox under the names of some of its commands."""
    found = shutil.which("busybox")
    assert found
    links: dict[str, bytes | str] = {f"bin/{name}": "busybox" for name in _APPLETS}
    return {
        "bin/busybox": Path(found).read_bytes(),
        "www/index.html": b"",
        "tmp/.keep": b"",
        **links,
    }


def _command(script: str) -> str:
    quoted = script.replace("\\", "\\\\").replace('"', '\\"')
    return f'CMD ["sh", "-c", "{quoted}"]'


def tar(files: Mapping[str, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.mode = 0o755
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _kill_below(directory: Path) -> None:
    """What is left of a broken engine: processes that name its directory, and their children."""
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]:
        with suppress(OSError):
            if str(directory).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                for each in (pid, *map(int, children)):
                    os.kill(each, signal.SIGKILL)


def _unmount_below(directory: Path) -> None:
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in sorted((m for m in mounts if m.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "-l", place], stderr=subprocess.DEVNULL, check=False)


_numbers = iter(range(8 * sys.maxsize))


def _next_number() -> int:
    return next(_numbers) % 8
