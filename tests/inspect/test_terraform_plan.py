"""Plans as `terraform show -json` writes them: what is planned, and what it refers to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.setup import Setup
from fairlead.inspect.plan import read_plan
from fairlead.inspect.read import read


def _resource(address: str, **values: Any) -> dict[str, Any]:
    kind = address.rpartition("module.")[2].split(".")[-2]
    return {"address": address, "mode": "managed", "type": kind, "values": values}


def _described(address: str, **references: list[str]) -> dict[str, Any]:
    expressions = {name: {"references": of} for name, of in references.items()}
    return {"address": address, "expressions": expressions}


def _change(address: str, **later: Any) -> dict[str, Any]:
    return {"address": address, "change": {"after_unknown": later}}


DEFINITIONS = json.dumps(
    [{"name": "web", "portMappings": [{"containerPort": 8080, "hostPort": 8083}]}]
)
TASK, SERVICE = "aws_ecs_task_definition.this", "aws_ecs_service.this"
INNER = 'module.web["a"].'
PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.9.5",
    "planned_values": {
        "root_module": {
            "resources": [
                _resource("aws_ecs_cluster.main", name="shop"),
                _resource("aws_security_group.node", ingress=[]),
                _resource("aws_instance.node[0]", instance_type="t3.micro"),
                _resource("aws_lb_target_group.web", port=80, target_type="instance"),
            ],
            "child_modules": [
                {
                    "address": 'module.web["a"]',
                    "resources": [
                        _resource(INNER + TASK, family="web", container_definitions=DEFINITIONS),
                        _resource(
                            INNER + SERVICE,
                            name="web",
                            cluster="arn:aws:ecs:eu-west-1:1:cluster/shop",
                            desired_count=2,
                            load_balancer=[{"container_name": "web", "container_port": 8080}],
                        ),
                    ],
                }
            ],
        }
    },
    "resource_changes": [
        _change(INNER + SERVICE, task_definition=True, load_balancer=[{"target_group_arn": True}]),
        _change("aws_instance.node[0]", vpc_security_group_ids=True),
    ],
    "configuration": {
        "root_module": {
            "resources": [
                _described(
                    "aws_instance.node", vpc_security_group_ids=["aws_security_group.node.id"]
                )
            ],
            "module_calls": {
                "web": {
                    "expressions": {
                        "cluster": {"references": ["aws_ecs_cluster.main.id"]},
                        "group": {"references": ["aws_lb_target_group.web.arn"]},
                    },
                    "module": {
                        "resources": [
                            {
                                "address": SERVICE,
                                "expressions": {
                                    "cluster": {"references": ["var.cluster"]},
                                    "task_definition": {"references": [f"{TASK}.arn", TASK]},
                                    "load_balancer": [
                                        {"target_group_arn": {"references": ["var.group"]}}
                                    ],
                                },
                            }
                        ]
                    },
                }
            },
        }
    },
}


def planned(tmp_path: Path) -> Setup:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN, indent=1))
    return read([tmp_path])


def test_services_are_linked_through_the_variables_of_their_module(tmp_path: Path) -> None:
    setup = planned(tmp_path)
    (service,) = setup.services
    task = setup.task_of(service)
    assert task is not None
    assert (task.family, task.containers[0].ports[0].host.value) == ("web", 8083)
    assert (service.desired.value, service.cluster) == (2, "aws_ecs_cluster.main")
    assert [(t.group, t.port.value) for t in service.targets] == [("aws_lb_target_group.web", 8080)]


def test_values_know_their_line(tmp_path: Path) -> None:
    desired = planned(tmp_path).services[0].desired
    line = json.dumps(PLAN, indent=1).split("\n")[desired.origin[0].line - 1]
    assert line.strip() == '"desired_count": 2,'


def test_what_is_known_later_still_says_what_it_comes_from(tmp_path: Path) -> None:
    (node,) = planned(tmp_path).nodes
    assert node.security_groups == ("aws_security_group.node",)
    assert not node.whole  # one resource is named, but not how many values there will be


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "planned_values",
                        "root_module",
                        "resources",
                        "type",
                        "values",
                        "address",
                        "configuration",
                        "resource_changes",
                        "change",
                        "after_unknown",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_whatever_is_in_it_no_plan_does_harm(data: object) -> None:
    assert isinstance(read_plan("plan.json", json.dumps(data)), Setup)


def test_a_plan_cut_off_anywhere_is_read() -> None:
    text = json.dumps(PLAN)
    for end in range(0, len(text), 7):
        assert isinstance(read_plan("plan.json", text[:end]), Setup)
