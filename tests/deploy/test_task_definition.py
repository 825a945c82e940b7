"""The task definition with the sidecar, against AWS's model of the API, and against the hook."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairlead import hook
from fairlead.platforms.labels import read_labels
from tests.deploy.ecs_model import problems

ROOT = Path(__file__).parents[2]
DOCUMENT = json.loads((ROOT / "deploy/service.json").read_text())
APP, SIDECAR = DOCUMENT["containerDefinitions"]


def test_aws_would_take_it() -> None:
    assert problems(DOCUMENT) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda d: d.update(networkMod="bridge"), "networkMod is not known"),
        (lambda d: d.update(networkMode="bridged"), "networkMode is none of"),
        (lambda d: d.pop("family"), "family"),
        (lambda d: d["containerDefinitions"][1].update(stopTimeout="30"), "stopTimeout"),
    ],
)
def test_what_aws_would_not_take_is_found(spoil: Callable[[Any], Any], told: str) -> None:
    spoil(spoilt := copy.deepcopy(DOCUMENT))
    assert any(told in problem for problem in problems(spoilt))


def test_the_sidecar_is_stopped_before_the_app_and_with_it() -> None:
    assert SIDECAR["dependsOn"] == [{"containerName": APP["name"], "condition": "START"}]
    assert SIDECAR["command"] == ["fairlead", "hook"]
    assert SIDECAR["essential"]
    assert APP["essential"]


def test_the_sidecar_is_given_longer_than_it_drains() -> None:
    assert SIDECAR["stopTimeout"] > hook.TIMEOUT


def test_ecs_chooses_the_host_port() -> None:
    assert [mapping["hostPort"] for mapping in APP["portMappings"]] == [0]


def test_the_token_is_no_plain_text() -> None:
    assert [secret["name"] for secret in SIDECAR["secrets"]] == ["FAIRLEAD_HOOK_TOKEN"]
    assert DOCUMENT["executionRoleArn"], "without it, ECS cannot read the secret"
    assert "environment" not in SIDECAR


def test_the_labels_are_such_as_fairlead_reads() -> None:
    found = read_labels(APP["dockerLabels"])
    assert found
    assert [route.host for route in found.routes] == ["catalog.example.com"]


def test_the_docs_show_the_same_sidecar() -> None:
    section = (ROOT / "docs/cli.md").read_text().partition("## fairlead hook")[2]
    (shown,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)[:1]
    assert json.loads(shown) == {**SIDECAR, "image": "fairlead"}
