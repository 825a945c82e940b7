"""A DynamoDB that others wrote, with the table for leases."""

from __future__ import annotations

from typing import Any

from tests.moto import REGION, Moto

TABLE = "leases"
__all__ = ["REGION", "TABLE", "Dynamo"]


class Dynamo:
    def __init__(self) -> None:
        self._moto = Moto("dynamodb", self._create)
        self.endpoint = self._moto.endpoint
        self.client = self.new_client()
        self._moto.start()

    def new_client(self) -> Any:
        return self._moto.client()

    def _create(self) -> None:
        self.client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def close(self) -> None:
        self._moto.kill()
        self.client.close()
