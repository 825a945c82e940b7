"""The task definition with the sidecar, against AWS's own model of the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

FILE = Path(__file__).parents[2] / "deploy/service.json"


def _unknown(document: Any, shape: Any, path: str = "") -> list[str]:
    """Members that the model does not know; the validator lets them pass."""
    if shape.type_name == "structure":
        return [
            found
            for key, value in document.items()
            for found in (
                _unknown(value, shape.members[key], f"{path}.{key}")
                if key in shape.members
                else [f"{path}.{key}"]
            )
        ]
    if shape.type_name == "list":
        return [x for each in document for x in _unknown(each, shape.member, f"{path}[]")]
    return []


def test_aws_would_take_it() -> None:
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    document = json.loads(FILE.read_text())
    report = ParamValidator().validate(document, shape)
    assert not report.has_errors(), report.generate_report()
    assert _unknown(document, shape) == []


def test_the_sidecar_is_stopped_before_the_app() -> None:
    app, sidecar = json.loads(FILE.read_text())["containerDefinitions"]
    assert sidecar["dependsOn"] == [{"containerName": app["name"], "condition": "START"}]
    assert sidecar["essential"]
    assert app["portMappings"][0]["hostPort"] == 0
