"""How a local ECS is set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Setting:
    """How the local ECS is set up.

    `memory` (MiB) and `cpu` (units) are of each node. `zones` go round over the nodes. `network` is
    the beginning of the nodes' loopback addresses; when it is empty one is taken that no other
    local ECS has. `pull`: seconds that a task is PENDING before
    its containers start. `hurry` divides the intervals of container health checks. `processes`
    False: tasks run in name only; `docker`: they are containers of the Docker engine. `outputs` is
    the directory of what containers write (by default one that goes with the server), `queue` the
    URL of an SQS queue that gets the events. `asg` names the auto scaling group that the nodes are
    of (empty: of none), which has `asg_min` to `asg_max` of them, and whose new ones register
    `boot` seconds after they were asked for.
    """

    nodes: int = 1
    memory: int = 940
    cpu: int = 2048
    cluster: str = "default"
    listen: str = "127.0.0.1:0"
    region: str = "us-east-1"
    zones: Sequence[str] = ("a", "b", "c")
    network: str = ""
    interfaces: int = 2
    throttle: bool = True
    processes: bool = True
    docker: bool = False
    pull: float = 0.0
    hurry: float = 1.0
    outputs: str = ""
    queue: str = ""
    seed: int | None = None
    asg: str = ""
    asg_min: int = 1
    asg_max: int = 10
    boot: float = 0.0

    def __post_init__(self) -> None:
        """BadInput when there can be no such nodes."""
        if self.memory < 1 or self.cpu < 1 or self.nodes < 0:
            raise BadInput("memory and cpu must be at least 1, nodes at least 0")
        if self.asg and not self.asg_min <= self.nodes <= self.asg_max:
            bounds = f"{self.asg_min} to {self.asg_max}"
            raise BadInput(f"{self.nodes} nodes: the auto scaling group has {bounds}")
