"""POST /v1/apply and /v1/down: what is done to the cluster as a whole."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fairlead.api import body
from fairlead.api.control import Control


class Cluster:
    def __init__(self, control: Control) -> None:
        self._control = control

    async def apply(self, request: Request) -> Response:
        body.known(await body.read_object(request))
        return JSONResponse({"changes": await self._control.apply()})

    async def down(self, request: Request) -> Response:
        document = body.known(await body.read_object(request), "keep")
        await self._control.down(keep=body.flag(document, "keep"))
        return JSONResponse({}, status_code=202)
