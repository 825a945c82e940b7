# ruff: noqa: N802, N803 - operations and members have the names that AWS gave them
"""A small strict ECS: every call and every answer is held against botocore's own service models.

It lives as ECS does as far as these tests need it: a scheduler keeps the count of tasks, and takes
unprotected ones when there are too many. `hook` sees each call before it is carried out.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

ARN = "arn:aws:ecs:eu-west-1:123456789012"
CLUSTER = "shop"


@cache
def model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def refusal(code: str, operation: str, message: str = "said so", status: int = 400) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


@dataclass
class FakeService:
    name: str
    desired: int
    definition: str
    events: list[dict[str, Any]] = field(default_factory=list)
    deployments: int = 1
    strategy: str = "REPLICA"
    tags: dict[str, str] = field(default_factory=dict)


class FakeEcs:
    """Implements client.Source. `schedule` off: the scheduler does nothing by itself. `runs`,
    `stops`: whether tasks get as far as RUNNING and STOPPED."""

    def __init__(self) -> None:
        self.services: dict[str, FakeService] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.protected: dict[str, datetime] = {}
        self.instances = {f"{ARN}:container-instance/{CLUSTER}/ci-{n}": n for n in (1, 2)}
        self.draining: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.hook: Callable[[str, dict[str, Any]], Any] = lambda *_: None
        self.schedule, self.runs, self.page = True, True, 100
        self.stops = False
        self.messages: list[dict[str, str]] = []
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)

    # What a test sets up and looks at.

    def add(self, name: str, count: int = 1, **definition: Any) -> FakeService:
        arn = self.define(name, **definition)
        self.services[name] = FakeService(name, count, arn)
        self.live()
        return self.services[name]

    def define(self, family: str, **more: Any) -> str:
        number = sum(1 for d in self.definitions.values() if d["family"] == family) + 1
        arn = f"{ARN}:task-definition/{family}:{number}"
        containers = [{"name": "app", "portMappings": [{"containerPort": 8080, "hostPort": 0}]}]
        base = {"networkMode": "bridge", "containerDefinitions": containers}
        self.definitions[arn] = {"taskDefinitionArn": arn, "family": family, **base, **more}
        return arn

    def of(self, name: str, *, desired: str = "RUNNING") -> list[dict[str, Any]]:
        mine = [t for t in self.tasks.values() if t["group"] == f"service:{name}"]
        return [t for t in mine if t["desiredStatus"] == desired]

    def run_task(self, service: FakeService) -> dict[str, Any]:
        number = next(self._numbers)
        arn = f"{ARN}:task/{CLUSTER}/{number:032x}"[:-32] + f"{number:08x}".ljust(32, "e")
        self.tasks[arn] = {
            "taskArn": arn,
            "clusterArn": f"{ARN}:cluster/{CLUSTER}",
            "taskDefinitionArn": service.definition,
            "group": f"service:{service.name}",
            "lastStatus": "PENDING",
            "desiredStatus": "RUNNING",
            "version": 1,
            "createdAt": datetime.now(UTC),
            "containerInstanceArn": list(self.instances)[number % len(self.instances)],
            "containers": [{"name": "app"}],
            "tags": [],
        }
        return self.tasks[arn]

    def running(self, task: dict[str, Any]) -> None:
        number = int(task["taskArn"].rpartition("/")[2][:8], 16)
        binding = {"bindIP": "0.0.0.0", "containerPort": 8080, "hostPort": 32768 + number}
        task["containers"] = [{"name": "app", "networkBindings": [binding | {"protocol": "tcp"}]}]
        task["startedAt"] = datetime.now(UTC)
        self.move(task, lastStatus="RUNNING")

    def move(self, task: dict[str, Any], **news: Any) -> None:
        task.update(news)
        task["version"] += 1

    def end(self, task: dict[str, Any], reason: str = "Essential container in task exited") -> None:
        self.move(task, desiredStatus="STOPPED", lastStatus="STOPPED", stoppedReason=reason)
        self.live()

    def live(self) -> None:
        """What the scheduler does between two calls."""
        self._go_on()
        if not self.schedule:
            return
        for service in self.services.values():
            mine = self.of(service.name)
            spare = len(mine) - service.desired
            free = [t for t in mine if t["taskArn"] not in self.protected]
            for task in free[: max(0, spare)]:
                self.move(task, desiredStatus="STOPPED", stoppedReason="Scaling activity")
            for _ in range(-spare):
                self.run_task(service)
        self._go_on()

    def _go_on(self) -> None:
        for task in self.tasks.values():
            wanted, is_now = task["desiredStatus"], task["lastStatus"]
            if wanted == "RUNNING" and is_now == "PENDING" and self.runs and self.schedule:
                self.running(task)
            elif wanted == "STOPPED" and is_now != "STOPPED" and self.stops:
                self.move(task, lastStatus="STOPPED")

    def count(self, operation: str) -> int:
        return sum(1 for name, _ in self.calls if name == operation)

    # client.Source, and the operations.

    def get(self, service: str) -> Any:
        return _Client(self, service)

    def close(self) -> None:
        pass

    def invoke(self, service: str, operation: str, given: dict[str, Any]) -> Any:
        described = model(service).operation_model(operation)
        _check(given, described.input_shape)
        with self.lock:
            self.calls.append((operation, given))
            answer = self.hook(operation, given)
            if answer is None:
                answer = getattr(self, f"_{operation}")(**given)
                self.live()
                _check(answer, described.output_shape)
            return answer

    def _paged(self, key: str, items: list[str], token: str | None) -> dict[str, Any]:
        first = int(token or 0)
        more = {"nextToken": str(first + self.page)} if first + self.page < len(items) else {}
        return {key: items[first : first + self.page], **more}

    def _ListTasks(
        self, cluster: str, desiredStatus: str, nextToken: str = "", serviceName: str = ""
    ) -> Any:
        arns = [
            arn
            for arn, task in self.tasks.items()
            if task["desiredStatus"] == desiredStatus
            and (not serviceName or task["group"] == f"service:{serviceName}")
        ]
        return self._paged("taskArns", arns, nextToken)

    def _DescribeTasks(self, cluster: str, tasks: list[str], include: list[str]) -> Any:
        assert 0 < len(tasks) <= 100
        found = [dict(self.tasks[arn]) for arn in tasks if arn in self.tasks]
        missing = [{"arn": a, "reason": "MISSING"} for a in tasks if a not in self.tasks]
        return {"tasks": found, "failures": missing}

    def _DescribeTaskDefinition(self, taskDefinition: str) -> Any:
        return {"taskDefinition": self.definitions[taskDefinition]}

    def _ListContainerInstances(self, cluster: str, nextToken: str = "", status: str = "") -> Any:
        found = [arn for arn in self.instances if status in ("", self._status(arn))]
        return self._paged("containerInstanceArns", found, nextToken)

    def _status(self, instance: str) -> str:
        return "DRAINING" if instance in self.draining else "ACTIVE"

    def _DescribeContainerInstances(self, cluster: str, containerInstances: list[str]) -> Any:
        return {"containerInstances": [self._instance(arn) for arn in containerInstances]}

    def _instance(self, arn: str) -> dict[str, Any]:
        number = self.instances[arn]
        return {
            "containerInstanceArn": arn,
            "ec2InstanceId": f"i-{number:017x}",
            "status": self._status(arn),
            "agentConnected": True,
            "remainingResources": [
                {"name": "CPU", "type": "INTEGER", "integerValue": 1024},
                {"name": "MEMORY", "type": "INTEGER", "integerValue": 840},
            ],
            "attributes": [{"name": "ecs.availability-zone", "value": f"eu-west-1{'abc'[number]}"}],
        }

    def _DescribeInstances(self, Filters: list[dict[str, Any]]) -> Any:
        wanted = Filters[0]["Values"]
        machines = [
            {
                "InstanceId": f"i-{n:017x}",
                "PrivateIpAddress": f"127.0.1.{n}",
                "PublicIpAddress": f"203.0.113.{n}",
            }
            for n in self.instances.values()
            if f"i-{n:017x}" in wanted
        ]
        return {"Reservations": [{"Instances": [machine]} for machine in machines]}

    def _ListServices(self, cluster: str, nextToken: str = "") -> Any:
        arns = [f"{ARN}:service/{CLUSTER}/{name}" for name in self.services]
        return self._paged("serviceArns", arns, nextToken)

    def _DescribeServices(self, cluster: str, services: list[str], include: list[str]) -> Any:
        assert include == ["TAGS"]
        assert 0 < len(services) <= 10
        found = [self._service(self.services[n]) for n in services if n in self.services]
        missing = [
            {"arn": f"{ARN}:service/{CLUSTER}/{n}", "reason": "MISSING"}
            for n in services
            if n not in self.services
        ]
        return {"services": found, "failures": missing}

    def _service(self, service: FakeService) -> dict[str, Any]:
        statuses = ["PRIMARY", *["ACTIVE"] * (service.deployments - 1)]
        return {
            "serviceArn": f"{ARN}:service/{CLUSTER}/{service.name}",
            "serviceName": service.name,
            "status": "ACTIVE",
            "schedulingStrategy": service.strategy,
            "desiredCount": service.desired,
            "runningCount": sum(t["lastStatus"] == "RUNNING" for t in self.of(service.name)),
            "taskDefinition": service.definition,
            "deployments": [{"status": status} for status in statuses],
            "events": service.events,
            "tags": [{"key": key, "value": value} for key, value in service.tags.items()],
        }

    def _UpdateService(self, cluster: str, service: str, desiredCount: int) -> Any:
        if service not in self.services:
            raise refusal("ServiceNotFoundException", "UpdateService", "Service not found.")
        self.services[service].desired = desiredCount
        return {"service": self._service(self.services[service])}

    def _StopTask(self, cluster: str, task: str, reason: str) -> Any:
        self.move(self.tasks[task], desiredStatus="STOPPED", stoppedReason=reason)
        return {"task": dict(self.tasks[task])}

    def _GetTaskProtection(self, cluster: str, tasks: list[str]) -> Any:
        return {"protectedTasks": [self._protection(arn) for arn in tasks]}

    def _UpdateTaskProtection(
        self, cluster: str, tasks: list[str], protectionEnabled: bool, expiresInMinutes: int = 120
    ) -> Any:
        assert 0 < len(tasks) <= 10
        for arn in tasks:
            self.protected.pop(arn, None)
            if protectionEnabled:
                self.protected[arn] = datetime.now(UTC) + timedelta(minutes=expiresInMinutes)
        return {"protectedTasks": [self._protection(arn) for arn in tasks]}

    def _protection(self, arn: str) -> dict[str, Any]:
        until = self.protected.get(arn)
        more = {"expirationDate": until} if until else {}
        return {"taskArn": arn, "protectionEnabled": until is not None, **more}

    def _TagResource(self, resourceArn: str, tags: list[dict[str, str]]) -> Any:
        if ":service/" in resourceArn:
            kept = self.services[resourceArn.rpartition("/")[2]].tags
            kept |= {tag["key"]: tag["value"] for tag in tags}
        else:
            self.tasks[resourceArn]["tags"] = tags
        return {}

    def _UntagResource(self, resourceArn: str, tagKeys: list[str]) -> Any:
        if ":service/" in resourceArn:
            for key in tagKeys:
                self.services[resourceArn.rpartition("/")[2]].tags.pop(key, None)
            return {}
        tags = self.tasks[resourceArn]["tags"]
        self.tasks[resourceArn]["tags"] = [t for t in tags if t["key"] not in tagKeys]
        return {}

    def _ReceiveMessage(self, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> Any:
        return {"Messages": self.messages[:MaxNumberOfMessages]}

    def _DeleteMessageBatch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:
        gone = {entry["ReceiptHandle"] for entry in Entries}
        self.messages = [m for m in self.messages if m["ReceiptHandle"] not in gone]
        return {"Successful": [{"Id": e["Id"]} for e in Entries], "Failed": []}


class _Client:
    def __init__(self, ecs: FakeEcs, service: str) -> None:
        names = model(service).operation_names
        self._ecs, self._service = ecs, service
        self._names = {botocore.xform_name(name): name for name in names}

    def __getattr__(self, method: str) -> Any:
        operation = self._names[method]
        return lambda **given: self._ecs.invoke(self._service, operation, given)


def _check(value: dict[str, Any], shape: Any) -> None:
    if shape is None:
        assert not value
        return
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    _check_enums(value, shape)


def _check_enums(value: Any, shape: Any) -> None:
    if shape.type_name == "structure":
        for key, inner in value.items():
            _check_enums(inner, shape.members[key])
    elif shape.type_name == "list":
        for inner in value:
            _check_enums(inner, shape.member)
    elif shape.type_name == "string" and getattr(shape, "enum", None):
        assert value in shape.enum, f"{value!r} is none of {shape.enum}"
