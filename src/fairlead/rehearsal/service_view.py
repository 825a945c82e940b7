"""A service as the API's structure, with its deployments and their counts."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.core.ecs.model import BEGINNING, RUNNING, STOPPED, Task
from fairlead.rehearsal.ledger import Cluster
from fairlead.rehearsal.service import Deployment, Service
from fairlead.rehearsal.views import Out, present


def service_view(service: Service, cluster: Cluster) -> Out:
    tasks = cluster.of_service(service.name)
    return {
        "loadBalancers": [],
        "serviceRegistries": [],
        "healthCheckGracePeriodSeconds": 0,
        **service.wire,
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": cluster.arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": _running(tasks),
        "pendingCount": _pending(tasks),
        "launchType": "EC2",
        "taskDefinition": service.primary.definition,
        "deploymentConfiguration": _deployment_configuration(service),
        "deployments": [_deployment(each, service, tasks) for each in service.deployments],
        "events": [
            {"id": each.id, "createdAt": each.at, "message": each.message}
            for each in service.events
        ],
        "createdAt": service.created,
        "placementConstraints": [
            present(type=each.kind, expression=each.expression) for each in service.constraints
        ],
        "placementStrategy": [
            present(type=each.kind, field=each.field) for each in service.strategies
        ],
        "schedulingStrategy": "DAEMON" if service.daemon else "REPLICA",
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
    }


def _running(tasks: Iterable[Task]) -> int:
    return sum(task.last == RUNNING and task.desired != STOPPED for task in tasks)


def _pending(tasks: Iterable[Task]) -> int:
    return sum(task.last in BEGINNING and task.desired != STOPPED for task in tasks)


def _deployment_configuration(service: Service) -> Out:
    configuration: Out = {
        "maximumPercent": service.maximum,
        "minimumHealthyPercent": service.minimum,
        "strategy": "ROLLING",
    }
    breaker = {"enable": service.breaker, "rollback": service.rollback}
    return {**configuration, "deploymentCircuitBreaker": breaker}


def _deployment(deployment: Deployment, service: Service, tasks: Iterable[Task]) -> Out:
    own = [task for task in tasks if task.deployment == deployment.id]
    primary = deployment.status == "PRIMARY"
    return {
        "id": deployment.id,
        "status": deployment.status,
        "taskDefinition": deployment.definition,
        "desiredCount": service.desired if primary else sum(t.desired != STOPPED for t in own),
        "runningCount": _running(own),
        "pendingCount": _pending(own),
        "failedTasks": deployment.failed,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "launchType": "EC2",
        "rolloutState": deployment.rollout,
        "rolloutStateReason": deployment.reason,
    }
