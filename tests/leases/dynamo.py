"""A DynamoDB that others wrote: moto's server, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.ground import PATIENCE, free_port

REGION, TABLE = "us-east-1", "leases"


class Dynamo:
    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        self.client = self.new_client()
        limit = time.monotonic() + PATIENCE
        while not self._created():
            assert self._process.poll() is None, "moto ended"
            assert time.monotonic() < limit, "moto does not come up"
            time.sleep(0.05)

    def new_client(self) -> Any:
        return botocore.session.Session().create_client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
        )

    def _created(self) -> bool:
        try:
            self.client.create_table(
                TableName=TABLE,
                KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        except (BotoCoreError, ClientError):
            return False
        return True

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self.client.close()
