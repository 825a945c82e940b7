"""An SQS that others wrote, and that keeps what SQS keeps: moto's, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.ground import PATIENCE, free_port

REGION = "us-east-1"


class Sqs:
    """`url` is the queue's. `kill` takes the server away with all that it holds, and `start` brings
    an empty one back at the same place."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.url, self._number = "", 0
        self._process: subprocess.Popen[bytes] | None = None
        self._client = _client(self.endpoint)

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        limit = time.monotonic() + PATIENCE
        while not self._created():
            assert self._process.poll() is None, "moto ended"
            assert time.monotonic() < limit, "moto does not come up"
            time.sleep(0.05)

    def renew(self) -> None:
        """Another queue: whoever has left the last one may still be waiting at it."""
        self._number += 1
        assert self._created()

    def _created(self) -> bool:
        try:
            made = self._client.create_queue(QueueName=f"events-{self._number}")
        except (BotoCoreError, ClientError):
            return False
        self.url = made["QueueUrl"]
        return True

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None

    def close(self) -> None:
        self.kill()
        self._client.close()

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self._client.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> int:
        """Messages in the queue, those included that somebody has received and not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(value) for value in found["Attributes"].values())


def _client(endpoint: str) -> Any:
    return botocore.session.Session().create_client(
        "sqs",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )
