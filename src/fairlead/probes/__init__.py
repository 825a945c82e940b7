"""How an endpoint is asked whether it can serve."""

from fairlead.core.model import CheckKind, Endpoint, HealthCheck
from fairlead.ports import Prober
from fairlead.probes.checker import Checker
from fairlead.probes.command import CommandProbe
from fairlead.probes.http import HttpProbe
from fairlead.probes.tcp import TcpProbe

__all__ = ["Checker", "CommandProbe", "HttpProbe", "Probes", "TcpProbe"]


class Probes:
    """Gives each check to the probe of its kind."""

    def __init__(self) -> None:
        self._kinds: dict[CheckKind, Prober] = {
            CheckKind.HTTP: HttpProbe(),
            CheckKind.TCP: TcpProbe(),
            CheckKind.COMMAND: CommandProbe(),
        }

    async def probe(self, check: HealthCheck, endpoint: Endpoint) -> str:
        return await self._kinds[check.kind].probe(check, endpoint)
