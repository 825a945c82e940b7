"""What the tests of the plain nginx stand on: one without Lua that somebody else started."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fairlead.core.model import Front, Plain
from fairlead.proxies.plain.proxy import PlainProxy
from fairlead.wire import Request
from tests.ground import fetch, free_ports, missing, until

CONFIG = """\
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/temp_body;
  proxy_temp_path {folder}/temp_proxy;
  fastcgi_temp_path {folder}/temp_fastcgi;
  uwsgi_temp_path {folder}/temp_uwsgi;
  scgi_temp_path {folder}/temp_scgi;
  include {folder}/conf.d/*.conf;
}}
"""


def need_plain_nginx() -> None:
    """Any nginx will do. Without one a test skips at home and fails in CI."""
    if shutil.which("nginx"):
        return
    missing("nginx is not installed; run: apt-get install -y nginx-light")


class PlainGround:
    """An nginx in a folder of its own, and as many fairleads for it, one after the other."""

    def __init__(self, folder: Path, *, workers: int = 1, **plain: object) -> None:
        self.folder, self.sites = folder, folder / "conf.d"
        self.sites.mkdir(parents=True)
        self.conf = folder / "nginx.conf"
        self.conf.write_text(CONFIG.format(folder=folder, workers=workers))
        self.port, confirm = free_ports(2)
        self.front = Front((f"127.0.0.1:{self.port}",))
        self.plain = replace(
            Plain(
                str(self.sites / "fairlead.conf"),
                ("nginx", "-p", str(folder), "-c", str(self.conf)),
                confirm=f"127.0.0.1:{confirm}",
                debounce=0.01,
            ),
            **plain,  # type: ignore[arg-type]
        )
        self.journal: list[tuple[str, str, str]] = []
        self.proxy = self.another()
        self.process: subprocess.Popen[bytes] | None = None

    def another(self) -> PlainProxy:
        self.proxy = PlainProxy(self.plain, self.front, self, withdraw=True)
        return self.proxy

    def record(self, kind: str, service: str, message: str, endpoint: str = "") -> None:
        self.journal.append((kind, service, message))

    async def run(self) -> None:
        self.process = subprocess.Popen(self.plain.binary)  # noqa: ASYNC220
        await until(self.running, "nginx runs")

    def running(self) -> bool:
        """It writes its pid when it has its sockets."""
        assert self.process
        assert self.process.poll() is None, self.errors()
        pid = self.folder / "nginx.pid"
        return pid.exists() and pid.read_text().strip() == str(self.process.pid)

    def end(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def errors(self) -> str:
        return (self.folder / "error.log").read_text()

    def text(self) -> str:
        return (self.sites / "fairlead.conf").read_text()

    async def get(self, service: str, path: str = "/") -> tuple[int, str]:
        request = Request("GET", path, (("host", f"{service}.localhost"),))
        answer = await fetch(self.port, request)
        return answer.status, answer.body.decode()


@asynccontextmanager
async def plain_ground(folder: Path, **options: object) -> AsyncIterator[PlainGround]:
    """One whose nginx runs and whose fairlead has not begun."""
    need_plain_nginx()
    ground = PlainGround(folder, **options)  # type: ignore[arg-type]
    await ground.run()
    try:
        yield ground
    finally:
        await ground.proxy.close()
        ground.end()
