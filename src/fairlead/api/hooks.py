"""POST /v1/tasks/{task}/leave: the sidecar of a task that is being stopped asks for its drain."""

from __future__ import annotations

import hmac
import re

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fairlead.api.control import Control

_TASK = re.compile(r"[0-9a-zA-Z-]{8,64}")


class Hooks:
    """Answers at once, with how far the drain has come; the sidecar asks again until `done`."""

    def __init__(self, control: Control, token: str) -> None:
        self._control, self._token = control, token

    async def leave(self, request: Request) -> Response:
        if not self._knows(request):
            return JSONResponse({"error": "the token is missing or wrong"}, status_code=401)
        task = request.path_params["task"]
        if not _TASK.fullmatch(task):
            return JSONResponse({"error": "no task has such an id"}, status_code=400)
        return JSONResponse(await self._control.leave(task))

    def _knows(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {self._token}"
        return not self._token or hmac.compare_digest(given.encode(), wanted.encode())


def create_hooks(control: Control, token: str) -> Starlette:
    route = Route("/v1/tasks/{task}/leave", Hooks(control, token).leave, methods=["POST"])
    return Starlette(routes=[route])
