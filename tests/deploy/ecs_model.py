"""A task definition against AWS's own model of the API, as botocore has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


def problems(document: dict[str, Any]) -> list[str]:
    """What RegisterTaskDefinition would not take, or not know."""
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    report = ParamValidator().validate(document, shape)
    wrong = [report.generate_report()] if report.has_errors() else []
    return [*wrong, *_unknown(document, shape, "")]


def _unknown(document: Any, shape: Any, path: str) -> Iterator[str]:
    """Members and values that the model does not have; the validator lets them pass."""
    if shape.type_name == "structure":
        for key, value in document.items():
            if key in shape.members:
                yield from _unknown(value, shape.members[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is not known"
    elif shape.type_name == "list":
        for each in document:
            yield from _unknown(each, shape.member, f"{path}[]")
    elif shape.type_name == "string" and shape.enum and document not in shape.enum:
        yield f"{path} is none of {shape.enum}: {document}"
