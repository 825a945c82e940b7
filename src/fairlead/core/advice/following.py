"""The next three steps for each strategy, as commands."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Names:
    """Of the cluster and of one service, as the commands want them. What is not known is written
    in capitals: IMAGE, PORT (inside the container), NODE (an address)."""

    cluster: str = "CLUSTER"
    service: str = "SERVICE"
    copies: int = 2
    memory: int = 128

    def fill(self, command: str) -> str:
        ports = ",".join(str(FIRST_PORT + copy) for copy in range(self.copies))
        given = "--image {service}=IMAGE --port {service}=PORT --memory {service}={memory}"
        names = {"cluster": quote(self.cluster), "service": quote(self.service)}
        whole = command.replace("{given}", given)
        return whole.format(**names, copies=self.copies, ports=ports, memory=self.memory)


FIRST_PORT = 8083


_MEASURE = Step(
    "see what the copies use, for a day",
    "docker stats --no-stream --format json >> samples.jsonl",
)
_SCALE = "aws ecs update-service --cluster {cluster} --service {service} --desired-count {copies}"
_STEPS = {
    "single": (
        _MEASURE,
        Step("size the tasks by that", "fairlead advise --samples samples.jsonl"),
        Step(
            "deploy them anew",
            "aws ecs update-service --cluster {cluster} --service {service} --force-new-deployment",
        ),
    ),
    "dynamic": (
        Step("try it on a local ECS", "fairlead rehearse -f fairlead.yaml --nodes 2"),
        Step(
            "write task definitions with dynamic ports, services and security groups",
            "fairlead export terraform --strategy dynamic {given} --out deploy/",
        ),
        Step("raise the count (fairlead verify proves that each copy answers)", _SCALE),
    ),
    "alb": (
        Step(
            "write it with one load balancer for all, which does the same for less",
            "fairlead export terraform --strategy alb {given} --out deploy/",
        ),
        Step(
            "or make one for a service alone",
            "aws elbv2 create-load-balancer --name {service} --subnets SUBNET SUBNET",
        ),
        Step("raise the count", _SCALE),
    ),
    "alb-shared": (
        Step(
            "write load balancer, rules, target groups and task definitions",
            "fairlead export terraform --strategy alb {given} --out deploy/",
        ),
        Step("see what would change", "terraform -chdir=deploy plan"),
        Step("raise the count", _SCALE),
    ),
    "fixed": (
        Step(
            "write task definitions for ports that do not collide",
            "fairlead export terraform --strategy fixed {given} --ports {service}={ports} "
            "--out deploy/",
        ),
        Step(
            "list them in nginx",
            "fairlead export nginx --strategy fixed --node NODE --ports {service}={ports} "
            "--out nginx/",
        ),
        Step("see what would change", "terraform -chdir=deploy plan"),
    ),
    "pod": (
        Step(
            "write the image and its Compose file (pod.yaml: the service as a `run`)",
            "fairlead export pod -f pod.yaml --image {service}=IMAGE --copy /app --out pod/",
        ),
        Step("run it here", "docker compose -f pod/compose.yaml up --build"),
        Step(
            "deploy the new image",
            "aws ecs update-service --cluster {cluster} --service {service} --force-new-deployment",
        ),
    ),
    "service-connect": (
        Step(
            "make a namespace",
            "aws servicediscovery create-http-namespace --name {cluster}",
        ),
        Step(
            "turn it on for a service (connect.json names its port)",
            "aws ecs update-service --cluster {cluster} --service {service} "
            "--service-connect-configuration file://connect.json",
        ),
        Step("raise the count", _SCALE),
    ),
    "fargate": (
        Step(
            "see which size a task would have",
            "fairlead cost --strategy fargate --itemise",
        ),
        Step(
            "register a task definition for awsvpc (task.json)",
            "aws ecs register-task-definition --cli-input-json file://task.json "
            "--requires-compatibilities FARGATE --network-mode awsvpc",
        ),
        Step("raise the count", _SCALE),
    ),
}


def following(strategy: str, names: Names) -> list[Step]:
    """Three of them."""
    return [Step(step.what, names.fill(step.command)) for step in _STEPS[strategy]]
