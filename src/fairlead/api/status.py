"""GET /v1/status and /v1/scaling: the documents of all services, or of `?service=`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fairlead.api import body
from fairlead.api.control import Control


class Status:
    def __init__(self, control: Control) -> None:
        self._control = control

    async def get(self, request: Request) -> Response:
        return JSONResponse(await self._control.status(request.query_params.get("service", "")))

    async def scaling(self, request: Request) -> Response:
        """With `?trial=1` services without a scale section too, by the default policy."""
        service, trial = (
            request.query_params.get("service", ""),
            body.whole_number(request, "trial"),
        )
        documents = await self._control.scaling(service, trial=bool(trial))
        return JSONResponse({"services": documents})
