"""A fake API on a port of its own, which goes away and comes back."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeApi:
    """`handler` answers one request; it finds this in its class attribute `fake`."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self.port = 0
        self._handler = type("Handler", (handler,), {"fake": self})
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def away(self) -> bool:
        return self._server is None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()
