"""The order of a task's containers by `dependsOn`: on the way up, and in reverse on the way down.
Pure."""

from __future__ import annotations

from fairlead.core.ecs.model import (
    HEALTHY,
    RUNNING,
    STOPPED,
    Container,
    Definition,
    Dependency,
    Task,
)


def state(task: Task, name: str) -> Container:
    """The container of that name, as it is now."""
    return next(each for each in task.containers if each.name == name)


def is_met(task: Task, dependency: Dependency) -> bool | None:
    """Whether the condition is met; None while that is open."""
    found = state(task, dependency.container)
    ended = found.status == STOPPED
    if dependency.condition == "START":
        return True if found.status in (RUNNING, STOPPED) else None
    if dependency.condition == "HEALTHY":
        return True if found.health == HEALTHY and not ended else False if ended else None
    if not ended:
        return None
    return dependency.condition == "COMPLETE" or found.exit_code == 0


def patience(definition: Definition, dependency: Dependency) -> float | None:
    """Seconds that others wait for the container that they depend on; None is for ever."""
    by_name = {each.name: each for each in definition.containers}
    return by_name[dependency.container].start_timeout


def may_stop(task: Task, definition: Definition, name: str) -> bool:
    """Those that depend on a container are stopped before it."""
    dependents = [
        each.name
        for each in definition.containers
        if any(dependency.container == name for dependency in each.depends_on)
    ]
    return all(state(task, each).status == STOPPED for each in dependents)
