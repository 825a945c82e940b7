"""Task definitions and services in the JSON of the ECS API: inputs and answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import ServiceSetup, Setup, TaskDefinition
from fairlead.inspect.aws_words import in_words
from fairlead.inspect.lift.terraform import lifted
from fairlead.inspect.values import Resource, Value


def is_ecs(whole: Value) -> bool:
    return next(_resources(whole), None) is not None


def read_ecs(file: str, whole: Value) -> Setup:
    """The task definitions and services of a file. They refer to one another by family also from
    file to file of a folder."""
    folder = f"{file.rpartition('/')[0]}#"
    setup = lifted(tuple(_resources(whole)), f"{file}:")
    tasks = tuple(_keyed(task, folder) for task in setup.tasks)
    named = {of.at: _family(of) for of in _services(whole)}
    services = tuple(_linked(of, named.get(of.at, ""), folder) for of in setup.services)
    return replace(setup, tasks=tasks, services=services)


def _keyed(task: TaskDefinition, folder: str) -> TaskDefinition:
    return replace(task, key=folder + task.family) if task.family else task


def _linked(service: ServiceSetup, family: str, folder: str) -> ServiceSetup:
    return replace(service, task=folder + family if family else "")


def _family(service: Value) -> str:
    named = service.get("taskDefinition").text().value or ""
    return named.rpartition("/")[2].partition(":")[0]


def _resources(whole: Value) -> Iterator[Resource]:
    for number, of in enumerate(_tasks(whole)):
        yield from in_words("AWS::ECS::TaskDefinition", f"task{number}", of, of.at)
    for number, of in enumerate(_services(whole)):
        yield from in_words("AWS::ECS::Service", f"service{number}", of, of.at)


def _tasks(whole: Value) -> Iterator[Value]:
    if whole.get("AWSEBDockerrunVersion").given:  # Elastic Beanstalk's, which places it by itself
        return
    for of in (whole, *whole.get("taskDefinition").items()):
        if isinstance(of.get("containerDefinitions").data, tuple):
            yield of


def _services(whole: Value) -> Iterator[Value]:
    """A service names its task definition; an answer has other services of the same list."""
    inner = (*whole.get("services").items(), *whole.get("service").items())
    for of in (whole, *inner):
        if isinstance(of.get("serviceName").data, str) and of.get("taskDefinition").given:
            yield of
