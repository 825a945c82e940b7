"""The API as a Starlette application: routes to Control, and its errors as JSON."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fairlead.api.cluster import Cluster
from fairlead.api.control import Control
from fairlead.api.events import Events
from fairlead.api.services import Services
from fairlead.api.status import Status
from fairlead.core.errors import BadInput, Busy, FairleadError, UnknownName

STATUS_OF_ERROR: dict[type[FairleadError], int] = {UnknownName: 404, BadInput: 400, Busy: 409}
"""The first class that fits, in this order; any other error is a 500."""


def create_app(control: Control, closing: asyncio.Event) -> Starlette:
    status, services, cluster = Status(control), Services(control), Cluster(control)
    return Starlette(
        routes=[
            Route("/v1/status", status.get, methods=["GET"]),
            Route("/v1/services/{name}/scale", services.scale, methods=["POST"]),
            Route("/v1/services/{name}/resume", services.resume, methods=["POST"]),
            Route("/v1/scaling", status.scaling, methods=["GET"]),
            Route("/v1/services/{name}/restart", services.restart, methods=["POST"]),
            Route("/v1/services/{name}/drain", services.drain, methods=["POST"]),
            Route("/v1/apply", cluster.apply, methods=["POST"]),
            Route("/v1/events", Events(control, closing).get, methods=["GET"]),
            Route("/v1/down", cluster.down, methods=["POST"]),
        ],
        exception_handlers={
            FairleadError: _on_error,
            HTTPException: _on_http_error,
            Exception: _on_fault,
        },
    )


def _problem(message: str, exit_status: int, code: int) -> Response:
    return JSONResponse({"error": message, "exit_status": exit_status}, status_code=code)


async def _on_error(_: Request, error: Exception) -> Response:
    code = next((n for kind, n in STATUS_OF_ERROR.items() if isinstance(error, kind)), 500)
    return _problem(str(error), 2 if isinstance(error, BadInput) else 1, code)


async def _on_http_error(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 500
    return _problem(f"no {request.method} {request.url.path[:100]} in this API", 2, code)


async def _on_fault(_: Request, error: Exception) -> Response:
    """A mistake of ours: Starlette raises it again behind the answer, so that it is logged."""
    return _problem(f"the daemon failed inside: {type(error).__name__}: {error}", 1, 500)
