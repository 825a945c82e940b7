"""One container in memory: the engine's last description, and what events said since.

A description may be older than an event, so events leave marks with their times; a mark counts for
the run of the container that it happened in, and a later start makes it void.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fairlead.core.model import Endpoint, Phase
from fairlead.platforms.docker.containers import Container, signal_or_exit
from fairlead.platforms.docker.events import Happening
from fairlead.platforms.docker.labels import Role
from fairlead.platforms.docker.place import Place, find_place, inner_port

NODE_ID = "docker"
STOPPED = "stopped (taken out of use; it is run elsewhere)"
_NEVER = -1.0
_KILLED = 137


@dataclass(slots=True)
class Marks:
    """What events said of a container. Times are since the epoch, by the engine's clock.

    Of one that was killed only the engine's description says whether memory had run out.
    """

    told_at: float = _NEVER
    signal: str = ""
    died_at: float = _NEVER
    died: str = ""

    def take(self, happening: Happening, stop_signal: str) -> None:
        if happening.ending or (happening.action == "kill" and happening.signal == stop_signal):
            self.told_at, self.signal = happening.at, happening.signal
        elif happening.action == "die" and happening.exit_code != _KILLED:
            self.died_at, self.died = happening.at, signal_or_exit(happening.exit_code)


@dataclass(slots=True)
class Kept:
    """`…_run` holds the start time of the run of the container for which something holds.

    `revision` of an endpoint that others run is its service's, and known to the asker only.
    """

    container: Container
    role: Role
    marks: Marks = field(default_factory=Marks)
    order: int = 0
    healthy_run: float = _NEVER
    stopped_run: float = _NEVER
    forgotten_run: float = _NEVER
    place: Place = ("", 0)
    obstacle: str = ""

    def renew(self, container: Container) -> None:
        """Another description of it; its last known place outlives its end."""
        self.container = container
        if container.health == "healthy":
            self.healthy_run = container.started
        found = find_place(container, self.role.asked, self.role.network)
        self.obstacle = found if isinstance(found, str) else ""
        if not isinstance(found, str):
            self.place = found

    @property
    def mistake(self) -> str:
        """Why it can never be reached as it is, empty when it can."""
        port = inner_port(self.container, self.role.asked)
        return port if isinstance(port, str) and self.container.running else ""

    @property
    def hidden(self) -> bool:
        return self.forgotten_run == self.container.started

    @property
    def asked_to_stop(self) -> bool:
        return self.stopped_run == self.container.started

    @property
    def ended(self) -> str:
        """How this run ended, empty while it lasts."""
        if self.container.exit:
            return self.container.exit
        if self._in_this_run(self.marks.died_at):
            return self.marks.died
        return STOPPED if self.asked_to_stop and not self.role.managed else ""

    @property
    def phase(self) -> Phase:
        if self.ended:
            return Phase.EXITED
        if self.asked_to_stop or self._in_this_run(self.marks.told_at):
            return Phase.STOPPING
        return Phase.PENDING if self._waits_for else Phase.RUNNING

    @property
    def gate(self) -> str:
        """What the engine holds against it, empty for nothing."""
        if self.ended:
            return ""
        if self.container.paused:
            return "its container is paused"
        return self._waits_for or (
            self._health_told if self.container.health == "unhealthy" else ""
        )

    @property
    def endpoint(self) -> Endpoint:
        address, port = self.place
        return Endpoint(
            id=self.role.endpoint,
            service=self.role.service,
            node=NODE_ID,
            address=address,
            port=port,
            revision=self.role.revision,
            phase=self.phase,
            started=self.container.started,
            pid=None if self.ended else self.container.pid,
            weight=self.role.weight,
            exit=self.ended,
        )

    @property
    def view(self) -> tuple[Endpoint, str, bool]:
        """All that others see of it."""
        return self.endpoint, self.gate, self.hidden

    @property
    def _waits_for(self) -> str:
        """Why it cannot have requests yet: no place, or a HEALTHCHECK that never passed."""
        if self.obstacle:
            return self.obstacle
        first = self.healthy_run != self.container.started
        return self._health_told if first and self.container.health else ""

    @property
    def _health_told(self) -> str:
        output = self.container.health_output
        return f"HEALTHCHECK: {self.container.health}" + (f" ({output})" if output else "")

    def _in_this_run(self, at: float) -> bool:
        return at >= self.container.started > 0
