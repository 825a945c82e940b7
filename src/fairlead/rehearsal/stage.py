"""What the tasks of a local ECS run on: processes, containers, or nothing."""

from __future__ import annotations

import os
import random
import socket
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from fairlead.core.errors import BadInput, Busy
from fairlead.rehearsal.addresses import Addresses
from fairlead.rehearsal.containers import Containers
from fairlead.rehearsal.engine import gateway
from fairlead.rehearsal.http import Front
from fairlead.rehearsal.launch import Place
from fairlead.rehearsal.ledger import Ledger
from fairlead.rehearsal.life import Site
from fairlead.rehearsal.listening import bind, serve
from fairlead.rehearsal.pause import Pauses
from fairlead.rehearsal.ports import Ports
from fairlead.rehearsal.processes import Processes
from fairlead.rehearsal.runtime import Interfaces, Nothing, Runtime
from fairlead.rehearsal.setting import Setting


@dataclass(slots=True)
class Stage:
    setting: Setting
    ledger: Ledger
    addresses: Addresses
    chance: random.Random
    _bridge: socket.socket | None = None

    def site(self, stack: AsyncExitStack, url: str) -> Site:
        """`url` is where the server answers. PlatformError, Missing or Busy when Docker is asked
        for and cannot be used."""
        runtime, interfaces = self._runtime(stack)
        if runtime.boxed:
            url = self._listen_to_containers(stack)
        place = Place(f"{url}/v4", self._outputs(stack), runtime.boxed, self.setting.hurry)
        ports = Ports(runtime.listens, self.chance)
        return Site(self.ledger, runtime, interfaces, ports, place, self.setting.pull)

    def _outputs(self, stack: AsyncExitStack) -> Path:
        """BadInput when nothing can be written there."""
        if not self.setting.outputs:
            made = tempfile.TemporaryDirectory(prefix="fairlead-rehearse-")
            return Path(stack.enter_context(made))
        given = Path(self.setting.outputs)
        try:
            given.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"outputs {given}: no such directory can be made: {error}") from error
        if not os.access(given, os.W_OK):
            raise BadInput(f"outputs {given}: nothing can be written there")
        return given

    async def serve_metadata(self, stack: AsyncExitStack, front: Front) -> None:
        """To containers, which do not reach a loopback address: the metadata, and no more."""
        if self._bridge:
            server = await serve(front.metadata(), self._bridge)
            stack.push_async_callback(server.shutdown, sockets=[self._bridge])

    def _runtime(self, stack: AsyncExitStack) -> tuple[Runtime, Interfaces]:
        if not self.setting.docker:
            return (Processes() if self.setting.processes else Nothing()), self.addresses
        runtime = Containers()
        pauses = Pauses(runtime.mark)
        stack.push_async_callback(pauses.close)
        return runtime, pauses

    def _listen_to_containers(self, stack: AsyncExitStack) -> str:
        address = gateway()
        try:
            self._bridge = bind(f"{address}:0")
        except Busy as error:
            raise Busy(
                f"{error}: that is where containers reach this machine; with --docker the engine"
                " has to run on it"
            ) from error
        stack.callback(self._bridge.close)
        return f"http://{address}:{self._bridge.getsockname()[1]}"
