"""AWS as others wrote it: moto's server, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.ground import PATIENCE, free_port

REGION = "us-east-1"


class Moto:
    """`service` is what clients are for. `made` makes what a test needs there, and raises
    botocore's errors while the server does not answer. Killed, it forgets all; `start` brings an
    empty one back at the same place."""

    def __init__(self, service: str, made: Callable[[], object]) -> None:
        self._service, self._made = service, made
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        limit = time.monotonic() + PATIENCE
        while not self._ready():
            assert self._process.poll() is None, "moto ended"
            assert time.monotonic() < limit, "moto does not come up"
            time.sleep(0.05)

    def client(self) -> Any:
        return botocore.session.Session().create_client(
            self._service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
        )

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _ready(self) -> bool:
        try:
            self._made()
        except (BotoCoreError, ClientError):
            return False
        return True
