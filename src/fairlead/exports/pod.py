"""Several copies of a service and their nginx in one container: fairlead is its first process.

It starts the copies as processes, checks them, replaces those that crash and balances over them, as
on a machine of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fairlead.core.errors import BadInput
from fairlead.core.model import CheckKind, Cluster, Service

_HEALTH = """\
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \\
  CMD ["fairlead", "status", "-f", "/etc/fairlead/fairlead.yaml"]
"""


@dataclass(frozen=True, slots=True)
class Pod:
    """`app` is the image that has the services' files, at `paths`; `fairlead` is fairlead's, on
    which the container is built. `port` is the machine's."""

    app: str
    fairlead: str
    paths: tuple[str, ...]
    port: int = 80


def pod(cluster: Cluster, wanted: Pod, base: Path) -> dict[str, str]:
    """Texts by file name; `base` is the settings' own directory, which the first of the pod's paths
    stands for. BadInput unless the services are processes."""
    if cluster.platform != "process":
        raise BadInput("a pod runs copies as processes: the settings need platform: process")
    if not wanted.paths:
        raise BadInput(
            "a pod needs the services' files: give --copy PATH, where they are in the image"
        )
    for path in wanted.paths:
        if not path.startswith("/") or any(c.isspace() or c in '"\\[]$' for c in path):
            raise BadInput(f"--copy {path!r}: expected an absolute path without spaces")
    return {
        "Dockerfile": _dockerfile(wanted),
        "fairlead.yaml": _yaml(_settings(cluster, wanted, base)),
        "compose.yaml": _yaml(_compose(wanted)),
    }


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=120)


def _dockerfile(wanted: Pod) -> str:
    return "\n".join(
        [
            "# Several copies and their nginx in one container.",
            f"FROM {wanted.app} AS app",
            f"FROM {wanted.fairlead}",
            *(f"COPY --from=app {path} {path}" for path in wanted.paths),
            "COPY fairlead.yaml /etc/fairlead/fairlead.yaml",
            "ENV FAIRLEAD_STATE=/var/lib/fairlead/state",
            "EXPOSE 80",
            _HEALTH + 'CMD ["fairlead", "up", "-f", "/etc/fairlead/fairlead.yaml"]',
            "",
        ]
    )


def _settings(cluster: Cluster, wanted: Pod, base: Path) -> dict[str, Any]:
    root = Path(wanted.paths[0])
    return {
        "cluster": cluster.name,
        "platform": "process",
        "listen": "0.0.0.0:80",
        "services": {s.name: _service(s, _inside(s.cwd, base, root)) for s in cluster.services},
    }


def _inside(cwd: str, base: Path, root: Path) -> str:
    """The same directory in the container."""
    path = Path(cwd)
    return str(root / path.relative_to(base) if path.is_relative_to(base) else path)


def _service(service: Service, cwd: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "run": list(service.run),
        "cwd": cwd,
        "replicas": service.replicas,
        "routes": [_route(route.host, route.path, strip=route.strip) for route in service.routes],
    }
    if service.health.kind is CheckKind.HTTP:
        made["health"] = {"path": service.health.path}
    return made | ({"env": dict(service.env)} if service.env else {})


def _route(host: str, path: str, *, strip: bool) -> Any:
    return {"host": host, "path": path, "strip": True} if strip else f"{host}{path.rstrip('/')}"


def _compose(wanted: Pod) -> dict[str, Any]:
    service = {
        "build": ".",
        "restart": "unless-stopped",
        "ports": [f"{wanted.port}:80"],
        "volumes": ["state:/var/lib/fairlead"],
        "stop_grace_period": "60s",
    }
    return {"services": {"pod": service}, "volumes": {"state": {}}}
