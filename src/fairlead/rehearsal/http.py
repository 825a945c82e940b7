"""The server: ECS, EC2 and Auto Scaling by the headers and forms of their protocols, and the task
metadata."""

from __future__ import annotations

import json
import uuid

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fairlead.rehearsal import ec2, metadata
from fairlead.rehearsal.autoscaling import AutoScaling
from fairlead.rehearsal.faults import Refusal
from fairlead.rehearsal.operations.table import OPERATIONS
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.protocol import TARGET, Protocol
from fairlead.rehearsal.query import QueryProtocol, validation
from fairlead.rehearsal.throttle import Throttle

_JSON = "application/x-amz-json-1.1"
_SCOPE = "/autoscaling/aws4_request"
"""Of the signatures of its requests; the forms alone do not name their service."""


class Front:
    """Answers requests. `throttle` None: nothing is limited."""

    def __init__(self, plane: Plane, protocol: Protocol, throttle: Throttle | None) -> None:
        self._plane, self._protocol, self._throttle = plane, protocol, throttle
        self._ec2 = ec2.Ec2(plane.ledger)
        self._autoscaling: AutoScaling | None = None
        self._query: QueryProtocol | None = None

    def scales_by(self, autoscaling: AutoScaling) -> None:
        """Answer for an auto scaling group, too."""
        self._autoscaling, self._query = autoscaling, QueryProtocol("autoscaling")

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/", self.api, methods=["POST"]), *self._metadata()])

    def metadata(self) -> Starlette:
        """For containers: nothing but who they are."""
        return Starlette(routes=self._metadata())

    def _metadata(self) -> list[Route]:
        return [
            Route("/v4/{container}", self.container_metadata),
            Route("/v4/{container}/task", self.task_metadata),
        ]

    async def api(self, request: Request) -> Response:
        target = request.headers.get("x-amz-target", "")
        body = await request.body()
        if target or not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return self._ecs(target, request, body)
        if _SCOPE in request.headers.get("authorization", ""):
            return self._auto_scaling(body)
        return self._describe_instances(body)

    def _auto_scaling(self, body: bytes) -> Response:
        query = self._query or QueryProtocol("autoscaling")
        try:
            return Response(self._scaled(query, body), media_type="text/xml")
        except Refusal as refusal:
            return Response(query.error(refusal), refusal.status, media_type="text/xml")
        except Exception as fault:  # whoever runs the rehearsal gets it
            self._plane.faults.append(fault)
            raise

    def _scaled(self, query: QueryProtocol, body: bytes) -> bytes:
        action, members = query.read(body)
        if self._autoscaling is None:
            raise validation("fairlead rehearse was started without an auto scaling group.")
        return query.write(action, self._autoscaling.answer(action, members))

    def _ecs(self, target: str, request: Request, body: bytes) -> Response:
        identity = str(uuid.uuid4())
        try:
            content, status = self._answer(target, request, body), 200
        except Refusal as refusal:
            self._protocol.check_error(refusal.code)
            told = {"__type": refusal.code, "message": refusal.message}
            content, status = json.dumps(told).encode(), refusal.status
        except Exception as fault:  # noqa: BLE001 - whoever runs the rehearsal gets it
            self._plane.faults.append(fault)
            told = {"__type": "ServerException", "message": str(fault)}
            content, status = json.dumps(told).encode(), 500
        headers = {"x-amzn-requestid": identity}
        return Response(content, status, headers, media_type=_JSON)

    def _answer(self, target: str, request: Request, body: bytes) -> bytes:
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refusal(
                "MissingAuthenticationTokenException", "Request is missing Authentication Token"
            )
        name = target.removeprefix(TARGET)
        operation = OPERATIONS.get(name)
        if operation is None or not target.startswith(TARGET):
            raise Refusal(
                "UnknownOperationException", f"{target or 'no operation'}: not known to rehearse"
            )
        if self._throttle:
            self._throttle.take(name)
        return self._protocol.write(name, operation(self._plane, self._protocol.read(name, body)))

    def _describe_instances(self, body: bytes) -> Response:
        try:
            return Response(self._ec2.answer(body), media_type="text/xml")
        except Refusal as refusal:
            return Response(ec2.error(refusal), refusal.status, media_type="text/xml")

    async def task_metadata(self, request: Request) -> Response:
        found = metadata.find(self._plane.ledger, request.path_params["container"])
        if found is None:
            return JSONResponse({"message": "unknown container"}, 404)
        return JSONResponse(metadata.of_task(self._plane.ledger, found[0], found[1]))

    async def container_metadata(self, request: Request) -> Response:
        found = metadata.find(self._plane.ledger, request.path_params["container"])
        if found is None:
            return JSONResponse({"message": "unknown container"}, 404)
        _, task, container = found
        definition = self._plane.ledger.definition(task.definition)
        return JSONResponse(metadata.of_container(task, container, definition))
