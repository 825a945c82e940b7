"""What the nodes' follower is told, what it keeps, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.core.ecs.model import Instance
from fairlead.core.scaling.packing import Demand, Held


@dataclass(frozen=True, slots=True)
class NodeScale:
    """Which auto scaling group is followed, empty for none, and how. `headroom`: so many copies
    more of the service that takes most room are to find a place at once. `settle`: seconds that
    fewer nodes have to suffice before one is given up."""

    asg: str = ""
    min: int = 1
    max: int = 4
    headroom: int = 1
    settle: float = 600.0
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class NodeSight:
    """A node. `member`: of the group. `given_up`: it is draining because this said so. `serving`:
    its proxy takes requests. `idle`: none goes through it, nor will any."""

    place: Instance
    member: bool = True
    given_up: bool = False
    serving: bool = True
    idle: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """The group as AWS has it. `desired` nodes, those that are starting and leaving included."""

    desired: int
    min: int = 0
    max: int = 100


@dataclass(frozen=True, slots=True)
class NodesSight:
    """`now` is monotonic. `named`: so many nodes that serve DNS needs at least."""

    now: float
    group: Group
    nodes: tuple[NodeSight, ...] = ()
    held: tuple[Held, ...] = ()
    demands: tuple[Demand, ...] = ()
    named: int = 0


@dataclass(frozen=True, slots=True)
class NodesMemory:
    """`spare` since when a node could be done without, `waiting` since when one is starting
    (monotonic), None for not now."""

    spare: float | None = None
    waiting: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done, and why. `kind` is grow (to `desired` nodes), give-up, take-back or
    terminate (the node with this ARN), or stay."""

    kind: str
    why: str
    node: str = ""
    desired: int = 0
