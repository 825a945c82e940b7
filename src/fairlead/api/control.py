"""What the API asks of the daemon. Every method raises only errors of core.errors."""

from __future__ import annotations

from typing import Any, Protocol

from fairlead.core.model import Event


class Control(Protocol):
    async def status(self, service: str = "") -> dict[str, Any]:
        """A StatusDoc (document.py) of one service, or of all when empty. UnknownName."""

    async def scale(self, service: str, replicas: int) -> None:
        """Set the wanted count; returns before it is reached. BadInput, UnknownName."""

    async def resume(self, service: str) -> None:
        """Let the service's scaler act again. UnknownName; BadInput where it has none."""

    async def scaling(self, service: str = "", *, trial: bool = False) -> list[dict[str, Any]]:
        """ScalingDocs (scaling_document.py) of the services that are scaled, or of one; with
        `trial` of all that could be. UnknownName; BadInput for one that nothing scales."""

    async def restart(self, service: str) -> None:
        """Roll all endpoints of the service, and forget its crash loop or failed roll."""

    async def drain(self, service: str, endpoint: str) -> None:
        """Withdraw one endpoint, and stop it when nothing is in flight. UnknownName."""

    async def leave(self, task: str) -> dict[str, Any]:
        """Withdraw the endpoint of a task that is being stopped by somebody else.

        `known`: such a task is there; `in_flight` is None while it cannot be read; `done`: nothing
        new goes there and nothing is in flight, or nothing is known of the task.
        """

    async def apply(self) -> list[str]:
        """Read the settings file again; the changes in words. SettingsError changes nothing."""

    async def events(self, since: int, timeout: float) -> list[Event]:
        """Events with seq > since, oldest first; waits up to `timeout` seconds for the first."""

    async def down(self, *, keep: bool) -> None:
        """End the daemon: with all endpoints and the proxy, or (`keep`) leaving them serving."""
