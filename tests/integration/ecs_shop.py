"""A fairlead over a local ECS with two nodes, and one service `app` on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from fairlead import hook
from fairlead.core.ecs.model import Instance
from fairlead.platforms.ecs.counts import PAUSE_TAG
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import free_port
from tests.integration.cluster import APP, RunningCluster

PATIENCE = 60.0


class OnEcs:
    """What is asked of the local ECS about its service `app`."""

    ecs: Rehearsal

    def update(self, **what: Any) -> None:
        self.ecs.call("UpdateService", cluster=self.ecs.setting.cluster, service="app", **what)

    def desired(self) -> int:
        return self.ecs.cluster.services["app"].desired

    def noted(self) -> str:
        """Why its scaler is paused, by the ECS service's tag."""
        arn = self.ecs.cluster.services["app"].arn
        return self.ecs.ledger.tags.get(arn, {}).get(PAUSE_TAG, "")

    def tasks(self) -> list[str]:
        """The ARNs of those that are to run."""
        cluster = self.ecs.setting.cluster
        return list(self.ecs.call("ListTasks", cluster=cluster, serviceName="app")["taskArns"])

    def nodes(self) -> list[Instance]:
        return list(self.ecs.cluster.instances.values())


class EcsShop(OnEcs):
    """`sidecar`: each task has the drain sidecar beside the app. `env`: the app's environment."""

    def __init__(
        self,
        ecs: Rehearsal,
        make: Callable[..., RunningCluster],
        *,
        sidecar: bool = True,
        env: dict[str, str] | None = None,
    ) -> None:
        self.ecs, self.sidecar, self.env = ecs, sidecar, env or {}
        self.hooks = f"127.0.0.1:{free_port()}"
        health = {"path": "/health", "interval": "500ms"}
        app = {"service": "app", "container": "app", "routes": ["app.localhost"], "health": health}
        self.running = make(
            {"app": app},
            platform="ecs",
            ecs={"cluster": ecs.setting.cluster},
            hooks={"listen": self.hooks},
        )

    def define(self, version: str = "1") -> str:
        """Register a revision of the task; its ARN."""
        env = {"VERSION": version, **self.env}
        drain = {"FAIRLEAD_HOOK_URL": f"http://{self.hooks}"}
        return define(self.ecs, env, drain if self.sidecar else None)

    async def start(self, count: int) -> None:
        self.ecs.serve("app", self.define(), count)
        await self.running.start()
        await self.ready(count)

    async def ready(self, count: int) -> None:
        await self.running.ready(count, patience=PATIENCE)

    async def scaled(self, count: int) -> None:
        """Scale by fairlead, and wait until it is so."""
        await self.running.scaled(count, patience=PATIENCE)

    def protected(self) -> list[str]:
        """Tasks that ECS must not stop."""
        return [task.arn for task in self.ecs.cluster.living() if task.protected_until]

    async def gone(self, tasks: list[str]) -> None:
        """None of these tasks is an endpoint any more, and their replacements are ready."""
        ids = ids_of(tasks)
        await self.running.until(
            lambda: not ids & {e["id"] for e in self.running.endpoints()}, "they are gone", PATIENCE
        )
        await self.ready(self.desired())

    def said(self) -> str:
        """What the local ECS says of the service, oldest first: shown when a test fails."""
        events = self.ecs.cluster.services["app"].events
        return "\n".join(f"{event.at:.2f} {event.message}" for event in reversed(events))


def ids_of(tasks: list[str]) -> set[str]:
    """Of the endpoints that these tasks (ARNs) are."""
    return {f"app-{task.rpartition('/')[2][:12]}" for task in tasks}


def define(ecs: Rehearsal, env: Mapping[str, str], drain: Mapping[str, str] | None) -> str:
    """Register a revision of the task `app`, with the environment of the app and of its drain
    sidecar, if it has one; the revision's ARN."""
    containers = [_app(env), *([_drain(drain)] if drain else [])]
    answer = ecs.call("RegisterTaskDefinition", family="app", containerDefinitions=containers)
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _app(env: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "app",
        "image": "app",
        "command": [sys.executable, str(APP), "{port}"],
        "memory": 64,
        "essential": True,
        "environment": _pairs(env),
        "portMappings": [{"containerPort": 8080, "hostPort": 0}],
    }


def _drain(env: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "drain",
        "image": "fairlead",
        "command": [sys.executable, "-I", "-S", str(hook.__file__)],
        "memory": 16,
        "essential": True,
        "environment": _pairs(env),
        "dependsOn": [{"containerName": "app", "condition": "START"}],
    }


def _pairs(env: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in env.items()]
