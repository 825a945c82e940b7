"""AWS's query protocol: forms in, XML out, both held against botocore's own model of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from fairlead.rehearsal.faults import Refusal, WrongAnswer
from fairlead.rehearsal.protocol import problems, service_model

_CHILD = re.compile(r"([A-Za-z0-9]+)(?:\.|$)")


def validation(message: str) -> Refusal:
    """As the query APIs say that a request cannot be."""
    return Refusal("ValidationError", message)


class QueryProtocol:
    """Of one service, by botocore's name of it."""

    def __init__(self, service: str) -> None:
        """Missing when botocore is not there."""
        self._model = service_model(service)
        from botocore.validate import ParamValidator

        self._validator = ParamValidator()

    def read(self, body: bytes) -> tuple[str, dict[str, Any]]:
        """The action and its members. Refusal when they are not as the model says."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        action, version = form.pop("Action", ""), form.pop("Version", "")
        if action not in self._model.operation_names or version != self._model.api_version:
            told = f"Could not find operation {action} for version {version}"
            raise Refusal("InvalidAction", told)
        shape = self._model.operation_model(action).input_shape
        if shape is None:
            return action, {}
        request = _structure(shape, form)
        for problem in problems(shape, request):
            raise validation(problem)
        report = self._validator.validate(request, shape)
        if report.has_errors():
            raise validation(report.generate_report())
        return action, request

    def write(self, action: str, answer: Mapping[str, Any]) -> bytes:
        """WrongAnswer when it is not as the model says: a fault of ours."""
        shape = self._model.operation_model(action).output_shape
        for problem in problems(shape, answer) if shape else ():
            raise WrongAnswer(f"{action}: {problem}")
        inner = xml(shape, answer, "member") if shape else ""
        result = f"<{action}Result>{inner}</{action}Result>" if shape else ""
        space, identity = self._model.metadata["xmlNamespace"], "fairlead-rehearse"
        about = f"<ResponseMetadata><RequestId>{identity}</RequestId></ResponseMetadata>"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<{action}Response xmlns="{space}">{result}{about}</{action}Response>'
        ).encode()

    def error(self, refusal: Refusal) -> bytes:
        told = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<ErrorResponse xmlns="{self._model.metadata["xmlNamespace"]}">'
            f"<Error><Type>Sender</Type>{told}</Error>"
            f"<RequestId>fairlead-rehearse</RequestId></ErrorResponse>"
        ).encode()


def xml(shape: Any, value: Any, item: str) -> str:
    """A list is a row of its member's location name, which is `item` for most."""
    kind = shape.type_name
    if kind == "structure":
        parts = ((shape.members[name], name, each) for name, each in value.items())
        return "".join(_element(s.serialization.get("name", n), s, e, item) for s, n, e in parts)
    if kind == "list":
        name = shape.member.serialization.get("name", item)
        return "".join(_element(name, shape.member, each, item) for each in value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    return escape(str(value))


def _element(name: str, shape: Any, value: Any, item: str) -> str:
    return f"<{name}>{xml(shape, value, item)}</{name}>"


def _structure(shape: Any, form: Mapping[str, str]) -> dict[str, Any]:
    """Members that the model does not have stay, for the check to refuse them."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(m[1] for key in form if (m := _CHILD.match(key))):
        inner = _below(form, name)
        known = shape.members.get(name)
        found[name] = _value(known, inner) if known else inner.get("", "")
    return found


def _value(shape: Any, form: Mapping[str, str]) -> Any:
    if shape.type_name == "structure":
        return _structure(shape, form)
    if shape.type_name == "list":
        listed = _below(form, "member")
        numbers = sorted({int(key.partition(".")[0]) for key in listed if key[:1].isdigit()})
        return [_value(shape.member, _below(listed, str(n))) for n in numbers]
    return _scalar(shape.type_name, form.get("", ""))


def _scalar(kind: str, written: str) -> Any:
    if kind == "boolean" and written in ("true", "false"):
        return written == "true"
    if kind in ("integer", "long") and re.fullmatch(r"-?\d{1,18}", written):
        return int(written)
    if kind in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?", written):
        return float(written)
    return written


def _below(form: Mapping[str, str], name: str) -> dict[str, str]:
    """What is under a name: the value itself by the empty text, the rest by what follows."""
    under = {k.removeprefix(f"{name}."): v for k, v in form.items() if k.startswith(f"{name}.")}
    return under | ({"": form[name]} if name in form else {})
