"""Asks the daemon over its unix socket. Every failure is DaemonError, or BadInput where it says so.

The daemon's own messages pass through with their exit status; everything foreign is mapped here.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from fairlead.api.document import EventDoc, StatusDoc
from fairlead.api.scaling_document import ScalingDoc
from fairlead.api.unix import connect
from fairlead.cli.place import Place
from fairlead.core.errors import BadInput, DaemonError

TIMEOUT = 30.0
QUIET = 30.0
"""Seconds of silence until a followed stream counts as lost: the daemon speaks every 10."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("fairlead", timeout=timeout)
        self._path, self._seconds = path, timeout

    def connect(self) -> None:
        self.sock = connect(self._path, self._seconds)


class Client:
    """One connection a request: a daemon that was restarted in between is met again."""

    def __init__(self, place: Place, timeout: float = TIMEOUT) -> None:
        self._place, self._timeout = place, timeout

    def status(self, service: str = "") -> StatusDoc:
        return cast(StatusDoc, self._ask("GET", f"/v1/status?service={_quoted(service)}"))

    def scale(self, service: str, replicas: int) -> None:
        self._ask("POST", f"/v1/services/{_quoted(service)}/scale", {"replicas": replicas})

    def resume(self, service: str) -> None:
        self._ask("POST", f"/v1/services/{_quoted(service)}/resume", {})

    def scaling(self, service: str = "", *, trial: bool = False) -> list[ScalingDoc]:
        target = f"/v1/scaling?service={_quoted(service)}&trial={int(trial)}"
        return list(self._ask("GET", target)["services"])

    def restart(self, service: str) -> None:
        self._ask("POST", f"/v1/services/{_quoted(service)}/restart", {})

    def drain(self, service: str, endpoint: str) -> None:
        self._ask("POST", f"/v1/services/{_quoted(service)}/drain", {"endpoint": endpoint})

    def apply(self) -> list[str]:
        return list(self._ask("POST", "/v1/apply", {})["changes"])

    def down(self, *, keep: bool) -> None:
        self._ask("POST", "/v1/down", {"keep": keep})

    def events(self, *, since: int = 0, follow: bool = False) -> Iterator[EventDoc]:
        """Oldest first; when followed, as they happen until the daemon ends."""
        target = f"/v1/events?since={since}&follow={int(follow)}"
        with self._request("GET", target, timeout=QUIET) as answer:
            for line in _lines(answer):
                if line:
                    yield json.loads(line)

    def pid(self) -> int:
        """The daemon's process id, as the kernel tells it of the socket's other side."""
        with self._mapped(), connect(self._place.socket, self._timeout) as connection:
            size = struct.calcsize("3i")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", credentials)[0])

    def _ask(self, method: str, target: str, document: dict[str, Any] | None = None) -> Any:
        with self._request(method, target, document) as answer:
            return json.loads(answer.read())

    @contextmanager
    def _request(
        self,
        method: str,
        target: str,
        document: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        connection = _Connection(self._place.socket, timeout or self._timeout)
        try:
            with self._mapped():
                connection.request(method, target, (document and json.dumps(document)) or b"{}")
                answer = connection.getresponse()
                if answer.status >= 400:
                    raise _error_of(answer)
                yield answer
        finally:
            connection.close()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        state = self._place.state
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            hint = "start it with: fairlead up"
            raise NoDaemon(f"no daemon is running for {state} ({hint})") from error
        except PermissionError as error:
            raise DaemonError(f"the daemon of {state} belongs to another user") from error
        except TimeoutError as error:
            raise DaemonError(f"the daemon of {state} does not answer") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise DaemonError(f"the connection to the daemon of {state} broke: {reason}") from error


class NoDaemon(DaemonError):
    """Nobody listens at the socket."""


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _lines(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Whole lines. The answer's own readline takes a stream that broke off for one that ended."""
    partial = b""
    while chunk := answer.read1(65536):
        *lines, partial = (partial + chunk).split(b"\n")
        yield from lines


def _error_of(answer: http.client.HTTPResponse) -> Exception:
    raw = answer.read(65536)
    try:
        document = json.loads(raw)
        message, exit_status = str(document["error"]), document["exit_status"]
    except (ValueError, KeyError, TypeError):
        message, exit_status = f"the daemon answered {answer.status} {answer.reason}", 1
    return BadInput(message) if exit_status == 2 else DaemonError(message)
