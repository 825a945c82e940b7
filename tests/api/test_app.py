from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest


async def ask(path: Path, method: str, target: str, body: bytes = b"") -> tuple[int, Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    first, _, payload = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(payload) if payload[:1] in b"{[" else payload


async def post(path: Path, target: str, document: object) -> tuple[int, Any]:
    return await ask(path, "POST", target, json.dumps(document).encode())


async def test_status_of_all_and_of_one(socket_path: Path) -> None:
    code, document = await ask(socket_path, "GET", "/v1/status")
    assert code == 200
    assert [service["name"] for service in document["services"]] == ["catalog", "frontend"]
    code, document = await ask(socket_path, "GET", "/v1/status?service=catalog")
    assert [service["name"] for service in document["services"]] == ["catalog"]


async def test_scale_reaches_the_daemon(control: Any, socket_path: Path) -> None:
    code, answer = await post(socket_path, "/v1/services/catalog/scale", {"replicas": 3})
    assert (code, answer) == (202, {})
    assert control.desired["catalog"] == 3


@pytest.mark.parametrize(
    "document", [{}, {"replicas": -1}, {"replicas": "3"}, {"replicas": True}, {"replicas": 2.5},
                 {"replicas": 10**9}, {"replicas": 1, "more": 1}, [], 7]
)  # fmt: skip
async def test_a_bad_scale_is_refused_and_changes_nothing(
    control: Any, socket_path: Path, document: object
) -> None:
    code, answer = await post(socket_path, "/v1/services/catalog/scale", document)
    assert (code, answer["exit_status"]) == (400, 2)
    assert control.desired["catalog"] == 1


async def test_restart_drain_apply_and_down(control: Any, socket_path: Path) -> None:
    endpoint = control.copies["catalog"][0].id
    assert (await post(socket_path, "/v1/services/catalog/restart", {}))[0] == 202
    assert (await post(socket_path, "/v1/services/catalog/drain", {"endpoint": endpoint}))[0] == 202
    assert [event.kind for event in control.log] == ["restart", "drain"]
    assert await post(socket_path, "/v1/apply", {}) == (
        200,
        {"changes": ["catalog: replicas 1 to 2"]},
    )
    assert (await post(socket_path, "/v1/down", {"keep": True}))[0] == 202
    assert control.kept is True


@pytest.mark.parametrize(
    ("service", "code", "exit_status", "words"),
    [
        ("nobody", 404, 2, "there are catalog, frontend"),
        ("refused", 400, 2, "fixed endpoints"),
        ("broken", 500, 1, "RuntimeError: a mistake of ours"),
    ],
)
async def test_errors_carry_message_and_exit_status(
    socket_path: Path, service: str, code: int, exit_status: int, words: str
) -> None:
    got, answer = await post(socket_path, f"/v1/services/{service}/restart", {})
    assert (got, answer["exit_status"]) == (code, exit_status)
    assert words in answer["error"]


async def test_a_settings_error_names_file_and_line(control: Any, socket_path: Path) -> None:
    control.bad_file = "unknown key"
    code, answer = await post(socket_path, "/v1/apply", {})
    assert (code, answer) == (400, {"error": "fairlead.yaml:3: unknown key", "exit_status": 2})


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 60_000])
async def test_a_body_that_is_not_json_is_refused(socket_path: Path, body: bytes) -> None:
    code, answer = await ask(socket_path, "POST", "/v1/apply", body)
    assert (code, answer["exit_status"]) == (400, 2)


async def test_a_body_too_large_is_refused(socket_path: Path) -> None:
    code, answer = await ask(socket_path, "POST", "/v1/apply", b" " * 70_000)
    assert code == 400
    assert "larger than 65536" in answer["error"]


async def test_unknown_addresses_and_methods(socket_path: Path) -> None:
    assert (await ask(socket_path, "GET", "/nothing"))[0] == 404
    code, answer = await ask(socket_path, "POST", "/v1/status")
    assert (code, answer["exit_status"]) == (405, 2)


async def test_events_since_a_number(control: Any, socket_path: Path) -> None:
    for number in range(3):
        await control.happen("test", "catalog", f"thing {number}")
    code, lines = await ask(socket_path, "GET", "/v1/events?since=2")
    assert (code, lines["message"]) == (200, "thing 2")
    assert (await ask(socket_path, "GET", "/v1/events?since=-1"))[0] == 400


async def test_followed_events_arrive_as_they_happen(control: Any, socket_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path))
    writer.write(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await control.happen("test", "catalog", "first")
    await reader.readuntil(b'"first"')
    await control.happen("test", "catalog", "second")
    await reader.readuntil(b'"second"')
    writer.close()
    await writer.wait_closed()
