"""The ECS API's wire format, held against botocore's own model of it, both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fairlead.core.errors import Missing
from fairlead.rehearsal.faults import Refusal, WrongAnswer, invalid

TARGET = "AmazonEC2ContainerServiceV20141113."
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "boolean": (bool,),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
}


def service_model(name: str) -> Any:
    """botocore's model of a service. Missing when botocore is not there."""
    try:
        import botocore.session
    except ImportError:
        raise Missing("`fairlead rehearse` needs botocore: pip install 'fairlead[ecs]'") from None
    return botocore.session.Session().get_service_model(name)


class WrongType(str):
    """A problem that the real API meets while it reads the document."""

    __slots__ = ()


def problems(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """What in the value is not as the shape says, each in words that name the place."""
    kind: str = shape.type_name
    if not _is(kind, value):
        yield WrongType(f"{path or 'the document'} is {type(value).__name__}, not {kind}")
    elif kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        for number, each in enumerate(value):
            yield from problems(shape.member, each, f"{path}[{number}]")
    elif kind == "map":
        for key, each in value.items():
            yield from problems(shape.value, each, f"{path}.{key}")
    elif kind == "string" and shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}, not one of {', '.join(shape.enum)}"


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"{f'{path}.' if path else ''}{name} is missing"
    for name, each in value.items():
        place = f"{path}.{name}" if path else name
        if name in shape.members:
            yield from problems(shape.members[name], each, place)
        else:
            yield f"{place} is unknown to the API"


class Protocol:
    """Reads requests and writes answers; both are checked whole."""

    def __init__(self) -> None:
        """Missing when botocore is not there."""
        self._model = service_model("ecs")
        from botocore.validate import ParamValidator

        self._validator = ParamValidator()

    def read(self, operation: str, body: bytes) -> dict[str, Any]:
        """The request's members. Refusal when it is not as the model says."""
        if operation not in self._model.operation_names:
            raise Refusal("UnknownOperationException", f"{operation} is no operation of ECS")
        shape = self._model.operation_model(operation).input_shape
        request = _without_nulls(_decoded(body))
        for problem in problems(shape, request):
            raise _refusal(problem)
        report = self._validator.validate(request, shape)
        if report.has_errors():
            raise invalid(report.generate_report())
        return dict(request)

    def write(self, operation: str, answer: Mapping[str, Any]) -> bytes:
        """WrongAnswer when it is not as the model says: a fault of ours."""
        shape = self._model.operation_model(operation).output_shape
        found = list(problems(shape, answer))
        report = self._validator.validate(answer, shape)
        if found or report.has_errors():
            told = "; ".join(found) or report.generate_report()
            raise WrongAnswer(f"{operation}: the answer is wrong: {told}")
        return json.dumps(answer, separators=(",", ":")).encode()

    def check_error(self, code: str) -> None:
        """WrongAnswer when the API has no error of that name."""
        if code not in self._model.shape_names and code not in _GENERAL:
            raise WrongAnswer(f"ECS has no error named {code}")


_GENERAL = frozenset(
    {
        "SerializationException",
        "UnknownOperationException",
        "ThrottlingException",
        "MissingAuthenticationTokenException",
    }
)
"""Errors that every AWS API of this protocol has, and that its model does not list."""


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise Refusal("SerializationException", f"the body is no JSON: {error}") from error


def _without_nulls(value: Any) -> Any:
    """A member that is null counts as absent, as in all of AWS's JSON APIs."""
    if isinstance(value, dict):
        return {k: _without_nulls(each) for k, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def _refusal(problem: str) -> Refusal:
    if isinstance(problem, WrongType):
        return Refusal("SerializationException", problem)
    return invalid(problem)
