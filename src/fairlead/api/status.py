"""GET /v1/status: the status document, of all services or of `?service=`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fairlead.api.control import Control


class Status:
    def __init__(self, control: Control) -> None:
        self._control = control

    async def get(self, request: Request) -> Response:
        return JSONResponse(await self._control.status(request.query_params.get("service", "")))
