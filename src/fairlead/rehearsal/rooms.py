"""What the tasks of a cluster leave of its nodes."""

from __future__ import annotations

from fairlead.core.ecs.model import Definition
from fairlead.core.ecs.placement import Room, room
from fairlead.rehearsal.ledger import Cluster, Ledger


def rooms(ledger: Ledger, cluster: Cluster) -> dict[str, Room]:
    """What is left on each node, by ARN. Tasks that are stopping hold what they have to the end."""
    held: dict[str, list[Definition]] = {arn: [] for arn in cluster.instances}
    for task in cluster.living():
        held[task.instance].append(ledger.definition(task.definition))
    return {arn: room(cluster.instances[arn], found) for arn, found in held.items()}
