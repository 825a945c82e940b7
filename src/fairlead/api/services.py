"""POST /v1/services/{name}/scale, /resume, /restart and /drain: what is done to one service."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fairlead.api import body
from fairlead.api.control import Control


class Services:
    """Each answers 202 before its end is reached: `status` and `events` tell of it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def scale(self, request: Request) -> Response:
        document = body.known(await body.read_object(request), "replicas")
        await self._control.scale(request.path_params["name"], body.replicas(document))
        return JSONResponse({}, status_code=202)

    async def resume(self, request: Request) -> Response:
        body.known(await body.read_object(request))
        await self._control.resume(request.path_params["name"])
        return JSONResponse({}, status_code=202)

    async def restart(self, request: Request) -> Response:
        body.known(await body.read_object(request))
        await self._control.restart(request.path_params["name"])
        return JSONResponse({}, status_code=202)

    async def drain(self, request: Request) -> Response:
        document = body.known(await body.read_object(request), "endpoint")
        await self._control.drain(request.path_params["name"], body.text(document, "endpoint"))
        return JSONResponse({}, status_code=202)
