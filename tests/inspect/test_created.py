"""Services that scripts create."""

import json
from pathlib import Path

import pytest

from fairlead.core.setup import At, ServiceSetup, Setup
from fairlead.inspect.read import read

TASK = {
    "family": "catalog",
    "containerDefinitions": [{"name": "web", "portMappings": [{"containerPort": 80}]}],
}


def made(tmp_path: Path, *options: str, before: str = "") -> Setup:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "catalog.json").write_text(json.dumps(TASK))
    lines = " \\\n  ".join(("aws ecs create-service", *options))
    (tmp_path / "make.sh").write_text(f"{before}{lines}\n")
    return read([tmp_path])


def services(tmp_path: Path, *options: str, before: str = "") -> tuple[ServiceSetup, ...]:
    return made(tmp_path, *options, before=before).services


def test_a_service_with_what_it_says(tmp_path: Path) -> None:
    setup = made(
        tmp_path,
        "--cluster arn:aws:ecs:eu-west-1:1:cluster/shop",
        "--service-name web --task-definition catalog:3",
        "--desired-count 2 --launch-type EC2",
        "--deployment-configuration maximumPercent=150,minimumHealthyPercent=50",
        "--load-balancers targetGroupArn=$GROUP,containerName=web,containerPort=80",
        "--placement-constraints type=distinctInstance",
    )
    (service,) = setup.services
    assert (service.name, service.cluster, service.task) == ("web", "shop", setup.tasks[0].key)
    assert (service.desired.value, service.launch_type.value) == (2, "EC2")
    assert (service.minimum_percent.value, service.maximum_percent.value) == (50, 150)
    assert service.maximum_percent.origin == (At(str(tmp_path / "make.sh"), 5),)
    (target,) = service.targets
    assert (target.group, target.container, target.port.value) == ("", "web", 80)
    assert service.distinct
    assert not service.constraints


def test_options_in_json(tmp_path: Path) -> None:
    (service,) = services(
        tmp_path,
        "--service-name web --task-definition catalog",
        """--deployment-configuration '{"maximumPercent": 100, "minimumHealthyPercent": 0}'""",
        """--load-balancers '[{"containerName": "web", "containerPort": 8080}]'""",
        "--scheduling-strategy DAEMON",
    )
    assert (service.minimum_percent.value, service.maximum_percent.value) == (0, 100)
    assert (service.targets[0].container, service.targets[0].port.value) == ("web", 8080)
    assert service.daemon
    assert service.cluster == "default"


def test_variables_are_unknown(tmp_path: Path) -> None:
    (service,) = services(
        tmp_path,
        '--service-name "$NAME" --task-definition "$TASK" --cluster "$CLUSTER"',
        '--desired-count "$COUNT" --deployment-configuration "$DEPLOY" --launch-type "$TYPE"',
    )
    assert (service.name, service.task, service.cluster) == ("", "", "")
    facts = (service.desired, service.minimum_percent, service.launch_type)
    assert all(fact.unknown for fact in facts)


@pytest.mark.parametrize(
    ("providers", "kind"),
    [("FARGATE_SPOT", "FARGATE"), ("shop-nodes", "EC2")],
)
def test_capacity_providers(providers: str, kind: str, tmp_path: Path) -> None:
    (service,) = services(
        tmp_path,
        "--service-name web --task-definition catalog",
        f"--capacity-provider-strategy capacityProvider={providers},weight=1",
    )
    assert service.launch_type.value == kind


def test_one_that_is_created_in_two_places_is_one(tmp_path: Path) -> None:
    first = "aws ecs create-service --service-name web --task-definition catalog\n"
    (service,) = services(
        tmp_path, "--service-name web --task-definition catalog", before=f"{first}true\n"
    )
    assert service.at.line == 1


def test_one_that_a_file_describes_is_not_there_twice(tmp_path: Path) -> None:
    answer = {"serviceName": "web", "taskDefinition": "catalog", "desiredCount": 3}
    (tmp_path / "service.json").write_text(json.dumps(answer))
    (service,) = services(tmp_path, "--service-name web --task-definition catalog")
    assert service.desired.value == 3


@pytest.mark.parametrize("options", ["--cli-input-json file://x.json", "--service-name web"])
def test_what_a_document_says_is_read_there(options: str, tmp_path: Path) -> None:
    assert not services(tmp_path, options)


@pytest.mark.parametrize(
    ("more", "targets"),
    [(' "${BALANCED[@]}"', 1), (" $BALANCED", 1), ("", 0), (" --cluster $C", 0)],
)
def test_options_that_a_variable_brings_may_name_a_balancer(
    more: str, targets: int, tmp_path: Path
) -> None:
    (service,) = services(
        tmp_path, f"--service-name web --task-definition catalog --desired-count 1{more}"
    )
    assert len(service.targets) == targets
