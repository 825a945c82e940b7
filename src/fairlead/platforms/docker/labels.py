"""Whose a container is: fairlead's own, one that its labels make a service's, or nobody's.

Labels are hostile input: a container counts as our own only under the name that its label says, so
that no copied label (an image made of a container inherits them all) puts a stranger among those
that fairlead stops and removes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.core.errors import BadInput
from fairlead.core.model import Service
from fairlead.platforms.docker.containers import Container
from fairlead.platforms.labels import PREFIX, Labelled, read_labels

CLUSTER, SERVICE, REVISION, MANAGED, ENDPOINT, PORT, NETWORK = (
    PREFIX + key
    for key in ("cluster", "service", "revision", "managed", "endpoint", "port", "network")
)
WEIGHT = PREFIX + "weight"
COMPOSE_SERVICE = "com.docker.compose.service"
_COMPOSE_ONEOFF = "com.docker.compose.oneoff"
_OURS = {CLUSTER, NETWORK, WEIGHT}
_NAME = re.compile("[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_REVISION = re.compile("[0-9a-f]{1,64}")
_WEIGHT = re.compile("[0-9]{1,4}")
_NOT_IN_NAME = re.compile("[^a-z0-9-]+")
HEAVIEST = 100


@dataclass(frozen=True, slots=True)
class Role:
    """What a container is to fairlead. `asked` is the port inside, 0 when not said.

    `labelled` is None for containers that fairlead has started itself; only those have a
    `revision`.
    """

    service: str
    endpoint: str
    asked: int = 0
    network: str = ""
    revision: str = ""
    weight: int = 1
    labelled: Labelled | None = None

    @property
    def managed(self) -> bool:
        return self.labelled is None


def is_marked(labels: Mapping[str, str]) -> bool:
    """Whether it is worth a look at all."""
    return any(key.startswith(PREFIX) for key in labels)


def read_role(container: Container, cluster: str) -> Role | None:
    """None for containers of other clusters and of nobody. BadInput when a label is wrong."""
    labels = container.labels
    if not is_marked(labels) or labels.get(CLUSTER, cluster) != cluster:
        return None
    if labels.get(MANAGED) == "true":
        return _own(container)
    return None if labels.get(_COMPOSE_ONEOFF, "").lower() == "true" else _found(container)


def own_labels(service: Service, cluster: str, endpoint: str, port: int) -> dict[str, str]:
    """What `read_role` finds again, after any restart."""
    network = service.container.network
    return {
        CLUSTER: cluster,
        SERVICE: service.name,
        REVISION: service.revision,
        MANAGED: "true",
        ENDPOINT: endpoint,
        PORT: str(port),
        **({NETWORK: network} if network else {}),
    }


def _own(container: Container) -> Role:
    labels = container.labels
    service, endpoint = labels.get(SERVICE, ""), labels.get(ENDPOINT, "")
    port, revision = labels.get(PORT, ""), labels.get(REVISION, "")
    if not (_NAME.fullmatch(service) and endpoint.startswith(f"{service}-")):
        raise BadInput(f"labels {SERVICE} and {ENDPOINT} do not name one of fairlead's containers")
    if endpoint != container.name:
        raise BadInput(
            f"label {MANAGED} is that of {endpoint[:80]!a}, and here under another name:"
            " it is left alone"
        )
    if not (_REVISION.fullmatch(revision) and re.fullmatch("[0-9]{1,5}", port, re.ASCII)):
        raise BadInput(f"labels {REVISION} or {PORT} are not what fairlead wrote")
    return Role(service, endpoint, int(port), labels.get(NETWORK, ""), revision)


def _found(container: Container) -> Role | None:
    said = {k: v for k, v in container.labels.items() if k not in _OURS}
    name = _NOT_IN_NAME.sub("-", said.get(COMPOSE_SERVICE, "").lower()).strip("-")[:63].strip("-")
    labelled = read_labels(said, name) or Labelled(name)
    if not labelled.service:
        raise BadInput(f"label {SERVICE} is missing: it names the service")
    return Role(
        labelled.service,
        f"{labelled.service}-{container.id[:12]}",
        labelled.port,
        container.labels.get(NETWORK, ""),
        weight=_weight(container.labels),
        labelled=labelled,
    )


def _weight(labels: Mapping[str, str]) -> int:
    written = labels.get(WEIGHT, "1")
    if not _WEIGHT.fullmatch(written) or not 1 <= int(written) <= HEAVIEST:
        raise BadInput(f"label {WEIGHT}: {written[:64]!a} is no number from 1 to {HEAVIEST}")
    return int(written)
