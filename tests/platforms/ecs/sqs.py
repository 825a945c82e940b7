"""An SQS that others wrote, and that keeps what SQS keeps: moto's."""

from __future__ import annotations

from tests.moto import REGION, Moto

__all__ = ["REGION", "Sqs"]


class Sqs:
    """`url` is the queue's. `kill` takes the server away with all that it holds, and `start` brings
    an empty one back at the same place."""

    def __init__(self) -> None:
        self._moto = Moto("sqs", self._create)
        self.endpoint = self._moto.endpoint
        self.start, self.kill = self._moto.start, self._moto.kill
        self.url, self._number = "", 0
        self._client = self._moto.client()

    def renew(self) -> None:
        """Another queue: whoever has left the last one may still be waiting at it."""
        self._number += 1
        self._create()

    def _create(self) -> None:
        made = self._client.create_queue(QueueName=f"events-{self._number}")
        self.url = made["QueueUrl"]

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
