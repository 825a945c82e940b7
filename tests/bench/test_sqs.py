"""The queue of the benches, as botocore finds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import botocore.session
import pytest

from bench.sqs import Sqs


@pytest.fixture
async def queue() -> AsyncIterator[Sqs]:
    async with Sqs().serving() as found:
        yield found


def client(queue: Sqs) -> Any:
    session = botocore.session.Session()
    session.set_credentials("bench", "bench")
    return session.create_client("sqs", region_name="us-east-1", endpoint_url=queue.endpoint)


async def received(sqs: Any, queue: Sqs, wait: int) -> list[str]:
    asked = {"QueueUrl": queue.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait}
    messages = (await asyncio.to_thread(sqs.receive_message, **asked)).get("Messages", [])
    entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
    if entries:
        given = {"QueueUrl": queue.url, "Entries": entries}
        done = await asyncio.to_thread(sqs.delete_message_batch, **given)
        assert len(done["Successful"]) == len(entries)
    return [message["Body"] for message in messages]


async def sent(sqs: Any, queue: Sqs, *bodies: str) -> None:
    for body in bodies:
        await asyncio.to_thread(sqs.send_message, QueueUrl=queue.url, MessageBody=body)


async def test_what_is_sent_is_received_once_ten_at_a_time_in_order(queue: Sqs) -> None:
    sqs = client(queue)
    await sent(sqs, queue, *map(str, range(12)))
    assert await received(sqs, queue, 1) == [str(n) for n in range(10)]
    assert await received(sqs, queue, 1) == ["10", "11"]
    assert await received(sqs, queue, 0) == []


async def test_whoever_waits_gets_a_message_when_it_comes(queue: Sqs) -> None:
    waiting = asyncio.create_task(received(client(queue), queue, 20))
    await sent(client(queue), queue, "late")
    began = time.monotonic()
    assert await waiting == ["late"]
    assert time.monotonic() - began < 10
    assert await received(client(queue), queue, 0) == []


async def test_the_end_lets_go_of_whoever_waits() -> None:
    async with asyncio.timeout(15):
        async with Sqs().serving() as queue:
            waiting = asyncio.create_task(received(client(queue), queue, 20))
            while not queue.waiting:
                await asyncio.sleep(0.005)
        assert await waiting == []
