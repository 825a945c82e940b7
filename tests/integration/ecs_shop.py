"""A fairlead over a local ECS with two nodes, and one service `app` on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from fairlead import hook
from fairlead.rehearsal.model import Instance
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import free_port
from tests.integration.cluster import APP, RunningCluster

PATIENCE = 60.0


class EcsShop:
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
        containers = [self._app(version), *([self._drain()] if self.sidecar else [])]
        answer = self.ecs.call(
            "RegisterTaskDefinition", family="app", containerDefinitions=containers
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def _app(self, version: str) -> dict[str, Any]:
        env = {"VERSION": version, **self.env}
        return {
            "name": "app",
            "image": "app",
            "command": [sys.executable, str(APP), "{port}"],
            "memory": 64,
            "essential": True,
            "environment": [{"name": name, "value": value} for name, value in env.items()],
            "portMappings": [{"containerPort": 8080, "hostPort": 0}],
        }

    def _drain(self) -> dict[str, Any]:
        return {
            "name": "drain",
            "image": "fairlead",
            "command": [sys.executable, "-I", "-S", str(hook.__file__)],
            "memory": 16,
            "essential": True,
            "environment": [{"name": "FAIRLEAD_HOOK_URL", "value": f"http://{self.hooks}"}],
            "dependsOn": [{"containerName": "app", "condition": "START"}],
        }

    async def start(self, count: int) -> None:
        self.ecs.serve("app", self.define(), count)
        await self.running.start()
        await self.ready(count)

    async def ready(self, count: int) -> None:
        await self.running.ready(count, patience=PATIENCE)

    async def scaled(self, count: int) -> None:
        """Scale by fairlead, and wait until it is so."""
        await self.running.scaled(count, patience=PATIENCE)

    def update(self, **what: Any) -> None:
        self.ecs.call("UpdateService", cluster=self.ecs.setting.cluster, service="app", **what)

    def desired(self) -> int:
        return self.ecs.cluster.services["app"].desired

    def tasks(self) -> list[str]:
        """The ARNs of those that are to run."""
        cluster = self.ecs.setting.cluster
        return list(self.ecs.call("ListTasks", cluster=cluster, serviceName="app")["taskArns"])

    def nodes(self) -> list[Instance]:
        return list(self.ecs.cluster.instances.values())

    def protected(self) -> list[str]:
        """Tasks that ECS must not stop."""
        return [task.arn for task in self.ecs.cluster.living() if task.protected_until]

    async def gone(self, tasks: list[str]) -> None:
        """None of these tasks is an endpoint any more, and their replacements are ready."""
        ids = {f"app-{task.rpartition('/')[2][:12]}" for task in tasks}
        await self.running.until(
            lambda: not ids & {e["id"] for e in self.running.endpoints()}, "they are gone", PATIENCE
        )
        await self.ready(self.desired())

    def said(self) -> str:
        """What the local ECS says of the service, oldest first: shown when a test fails."""
        events = self.ecs.cluster.services["app"].events
        return "\n".join(f"{event.at:.2f} {event.message}" for event in reversed(events))
