"""What each strategy is made of and can do, in parts that can be counted."""

from __future__ import annotations

from dataclasses import dataclass

SCALE_BY_ECS = "by itself (ECS target tracking), or by command"


@dataclass(frozen=True, slots=True)
class Character:
    """`parts`: the kinds of things to set up and keep beside the copies; `steps` from one copy."""

    parts: tuple[str, ...]
    steps: tuple[str, ...]
    scaling: str
    balancing: str
    by_itself: bool = False

    @property
    def complexity(self) -> str:
        """Two parts are what a single copy has already."""
        count = len(self.parts)
        word = "low" if count <= 2 else "medium" if count <= 4 else "high"
        return f"{word} ({count} parts, {len(self.steps)} steps)"


CHARACTERS = {
    "single": Character(
        ("nginx with a fixed target a service", "a DNS script"),
        (),
        "by hand, up to a larger node",
        "none",
    ),
    "dynamic": Character(
        (
            "an agent with nginx on each node",
            "a controller",
            "a drain sidecar in each task",
            "ephemeral ports open between nodes",
            "DNS that names every node",
        ),
        ("hostPort 0", "controller and agents", "move DNS over", "raise the counts"),
        SCALE_BY_ECS,
        "nginx: the less busy of two, checks, retries, drains",
        by_itself=True,
    ),
    "alb": Character(
        (
            "a load balancer a service",
            "a target group a service",
            "ephemeral ports open to the load balancers",
            "alias records",
        ),
        ("hostPort 0", "load balancers and target groups", "move DNS over", "raise the counts"),
        SCALE_BY_ECS,
        "ALB: round robin, checks, drains",
        by_itself=True,
    ),
    "alb-shared": Character(
        (
            "one load balancer",
            "a rule and a target group a service",
            "ephemeral ports open to the load balancer",
            "alias records",
        ),
        ("hostPort 0", "load balancer, rules, target groups", "move DNS over", "raise the counts"),
        SCALE_BY_ECS,
        "ALB: round robin, checks, drains",
        by_itself=True,
    ),
    "fixed": Character(
        (
            "nginx with all ports of each service",
            "a plan of ports",
            "a task definition for each port",
            "a DNS script",
        ),
        ("plan the ports", "a task definition each", "list them in nginx"),
        "by hand, up to the ports that were planned",
        "nginx: round robin, passive checks",
    ),
    "pod": Character(
        (
            "nginx with a fixed target a service",
            "a supervisor and a second nginx in each container",
            "an image of its own a service",
            "a DNS script",
        ),
        ("build the image", "raise the task's memory", "deploy"),
        "by a new deploy",
        "nginx inside the container: round robin",
    ),
    "service-connect": Character(
        (
            "nginx on each node",
            "an Envoy in each task",
            "a Cloud Map namespace",
            "a named port in each task definition",
            "DNS that names every node",
        ),
        ("name the ports", "turn on Service Connect", "an nginx service", "move DNS over"),
        SCALE_BY_ECS,
        "Envoy: round robin, outlier detection",
        by_itself=True,
    ),
    "fargate": Character(
        (
            "one load balancer",
            "a rule and a target group a service",
            "task definitions for awsvpc",
            "alias records",
        ),
        ("task definitions for awsvpc", "load balancer, rules", "new services", "move DNS over"),
        SCALE_BY_ECS,
        "ALB: round robin, checks, drains",
        by_itself=True,
    ),
}
