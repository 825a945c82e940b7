"""The instance metadata service, played by a server as strict as the real one about its token."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fairlead.agent.machine import Machine
from fairlead.core.errors import WireError
from fairlead.serving import serve_on
from tests.ground import free_port


class Metadata:
    """Answers with `says`, to who shows the token that it gave."""

    def __init__(self) -> None:
        self.says = {"instance-id": "i-0123456789abcdef0"}
        self.port = free_port()

    async def token(self, request: Request) -> Response:
        assert int(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]) <= 21600
        return PlainTextResponse("the-token")

    async def data(self, request: Request) -> Response:
        if request.headers.get("x-aws-ec2-metadata-token") != "the-token":
            return PlainTextResponse("", status_code=401)
        found = self.says.get(request.path_params["what"])
        return PlainTextResponse(found or "none", status_code=200 if found else 404)

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/latest/api/token", self.token, methods=["PUT"]),
                Route("/latest/meta-data/{what:path}", self.data, methods=["GET"]),
            ]
        )


@pytest.fixture
async def metadata() -> AsyncIterator[Metadata]:
    made = Metadata()
    with socket.create_server(("127.0.0.1", made.port)) as listener:
        listener.setblocking(False)
        server = await serve_on(made.application(), listener, 1)
        yield made
        await server.shutdown(sockets=[listener])


def machine(metadata: Metadata) -> Machine:
    return Machine(f"http://127.0.0.1:{metadata.port}")


async def test_it_knows_its_id(metadata: Metadata) -> None:
    assert await machine(metadata).id() == "i-0123456789abcdef0"


@pytest.mark.parametrize("said", ["", "<html>", "i-", "../i-0123456789abcdef0"])
async def test_what_is_no_id_is_refused(metadata: Metadata, said: str) -> None:
    metadata.says["instance-id"] = said
    with pytest.raises(WireError, match=r"agent\.node"):
        await machine(metadata).id()


async def test_there_is_no_notice_as_long_as_nothing_is_said(metadata: Metadata) -> None:
    assert await machine(metadata).notice() == ""
    metadata.says["autoscaling/target-lifecycle-state"] = "InService"
    assert await machine(metadata).notice() == ""


async def test_a_spot_instance_that_is_taken_back_is_heeded(metadata: Metadata) -> None:
    metadata.says["spot/instance-action"] = '{"action": "terminate", "time": "2026-11-24T16:00Z"}'
    assert "spot" in await machine(metadata).notice()


async def test_one_that_its_group_has_chosen_is_heeded(metadata: Metadata) -> None:
    metadata.says["autoscaling/target-lifecycle-state"] = "Terminated"
    assert "auto scaling" in await machine(metadata).notice()


async def test_away_from_ec2_there_is_no_id_and_no_notice() -> None:
    nowhere = Machine(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(WireError):
        await asyncio.wait_for(nowhere.id(), 10)
    assert await nowhere.notice() == ""
