"""Every operation by its name in the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.core.ecs.model import Wire
from fairlead.rehearsal.operations import (
    clusters,
    definitions,
    nodes,
    providers,
    services,
    tags,
    tasks,
)
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.views import Out

Operation = Callable[[Plane, Wire], Out]

OPERATIONS: Mapping[str, Operation] = {
    "CreateCluster": clusters.create,
    "DescribeClusters": clusters.describe,
    "ListClusters": clusters.list_,
    "DeleteCluster": clusters.delete,
    "DescribeCapacityProviders": providers.describe,
    "ListContainerInstances": nodes.list_,
    "DescribeContainerInstances": nodes.describe,
    "UpdateContainerInstancesState": nodes.update_state,
    "ListAttributes": nodes.list_attributes,
    "PutAttributes": nodes.put_attributes,
    "RegisterTaskDefinition": definitions.register,
    "DeregisterTaskDefinition": definitions.deregister,
    "DescribeTaskDefinition": definitions.describe,
    "ListTaskDefinitions": definitions.list_,
    "CreateService": services.create,
    "UpdateService": services.update,
    "DeleteService": services.delete,
    "DescribeServices": services.describe,
    "ListServices": services.list_,
    "RunTask": tasks.run,
    "StopTask": tasks.stop,
    "ListTasks": tasks.list_,
    "DescribeTasks": tasks.describe,
    "UpdateTaskProtection": tasks.protect,
    "GetTaskProtection": tasks.protection,
    "TagResource": tags.tag,
    "UntagResource": tags.untag,
    "ListTagsForResource": tags.list_,
}
