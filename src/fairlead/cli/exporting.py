"""What each export is made of: from the settings, and from what is given beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairlead.cli.place import Place
from fairlead.core.errors import BadInput

if TYPE_CHECKING:
    from fairlead.core.model import Cluster
    from fairlead.exports.parts import Part


@dataclass(frozen=True, slots=True)
class Asked:
    place: Place
    options: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.options[name]

    def cluster(self) -> Cluster:
        from fairlead.settings import load

        return load(self.place.file)


def _policy(asked: Asked) -> dict[str, str]:
    from fairlead.platforms.ecs.policy import policy

    return {"policy.json": _json(policy(asked["capabilities"], asked["cluster_arn"]))}


def _nginx(asked: Asked) -> dict[str, str]:
    from fairlead.exports.nginx import nginx

    if asked["strategy"] == "alb":
        raise BadInput("with a load balancer nginx has nothing to balance: see export terraform")
    dynamic = asked["strategy"] == "dynamic"
    cluster = asked.cluster()
    text = nginx(cluster, asked["node"], _ports(asked, cluster), dynamic=dynamic)
    return {"fairlead.conf": text}


def _task_definition(asked: Asked) -> dict[str, str]:
    from fairlead.exports.task_definition import task_definition

    parts = _parts(asked, asked.cluster())
    return {f"{part.name}.json": _json(task_definition(part, asked["sidecar"])) for part in parts}


def _terraform(asked: Asked) -> dict[str, str]:
    from fairlead.exports.terraform import terraform

    cluster = asked.cluster()
    name = cluster.ecs.cluster or cluster.name
    return terraform(_parts(asked, cluster), asked["strategy"], name, _ports(asked, cluster))


def _compose(asked: Asked) -> dict[str, str]:
    from fairlead.exports.compose import compose

    cluster, image = asked.cluster(), _fairlead(asked)
    text = compose(_parts(asked, cluster), cluster.name, image, asked["publish"])
    return {"compose.yaml": text}


def _pod(asked: Asked) -> dict[str, str]:
    from fairlead.exports.parts import images
    from fairlead.exports.pod import Pod, pod

    given = set(images(asked["image"]).values())
    if len(given) != 1:
        raise BadInput("a pod has one image with all its services: give --image SERVICE=IMAGE once")
    wanted = Pod(given.pop(), _fairlead(asked), asked["copy"], asked["publish"])
    return pod(asked.cluster(), wanted, asked.place.file.parent)


def _dashboard(asked: Asked) -> dict[str, str]:
    from fairlead.exports.dashboard import as_cloudformation, dashboard

    cluster = asked.cluster()
    body = dashboard(cluster.ecs.cluster or cluster.name, _names(cluster), _region(asked, cluster))
    if asked["cloudformation"]:
        return {"dashboard.json": _json(as_cloudformation(cluster.name, body))}
    return {"dashboard.json": _json(body)}


def _workflow(asked: Asked) -> dict[str, str]:
    from fairlead.exports.workflow import workflow

    cluster = asked.cluster()
    name, region = cluster.ecs.cluster or cluster.name, _region(asked, cluster)
    return {"scale.yml": workflow(name, _names(cluster), region, sync=asked["sync"])}


def _fairlead(asked: Asked) -> str:
    """fairlead's own image."""
    from fairlead.exports.parts import image_name

    return image_name("fairlead-image", asked["fairlead_image"])


def _parts(asked: Asked, cluster: Cluster) -> tuple[Part, ...]:
    from fairlead.exports.parts import Given, images, numbers, parts_of

    given = Given(
        images(asked["image"]), *(numbers(n, asked[n]) for n in ("port", "memory", "cpu"))
    )
    return parts_of(cluster, given)


def _ports(asked: Asked, cluster: Cluster) -> Mapping[str, tuple[int, ...]]:
    from fairlead.exports.parts import pairs
    from fairlead.exports.ports import reserved

    given = {name: _list(name, text) for name, text in pairs("ports", asked["ports"]).items()}
    return reserved(given, {service.name: service.replicas for service in cluster.services})


def _list(name: str, text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(w.isascii() and w.isdigit() and 1 <= int(w[:6]) <= 65535 for w in words):
        raise BadInput(f"--ports {name}={text}: expected ports with commas between, 8083,8086")
    return tuple(map(int, words))


def _names(cluster: Cluster) -> list[str]:
    """As ECS knows them."""
    return [service.container.task_service or service.name for service in cluster.services]


def _region(asked: Asked, cluster: Cluster) -> str:
    region = asked["region"] or cluster.ecs.region
    if not region:
        raise BadInput("which region? give --region, or ecs.region in the settings")
    return str(region)


def _json(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


EXPORTS: Mapping[str, Callable[[Asked], dict[str, str]]] = {
    "iam-policy": _policy,
    "nginx": _nginx,
    "task-definition": _task_definition,
    "terraform": _terraform,
    "compose": _compose,
    "pod": _pod,
    "cloudwatch-dashboard": _dashboard,
    "github-workflow": _workflow,
}
