"""EC2's DescribeInstances for the nodes: the query protocol, held against botocore's model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from fairlead.core.ecs.model import Instance
from fairlead.rehearsal.faults import Refusal, WrongAnswer
from fairlead.rehearsal.ledger import Ledger
from fairlead.rehearsal.protocol import problems, service_model
from fairlead.rehearsal.query import xml

_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")
_XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15"


class Ec2:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._shape: Any = None

    def answer(self, body: bytes) -> bytes:
        """Refusal for other actions, and for instances that do not exist."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("Action") != "DescribeInstances":
            raise Refusal("InvalidAction", f"The action {form.get('Action')} is not valid here.")
        asked, filters = _listed(form, r"InstanceId\.\d+"), _filters(form)
        nodes = {n.machine: n for c in self._ledger.clusters.values() for n in c.instances.values()}
        for machine in asked:
            if not _INSTANCE_ID.fullmatch(machine):
                raise Refusal("InvalidInstanceID.Malformed", f'Invalid id: "{machine}"')
            if machine not in nodes:
                raise Refusal(
                    "InvalidInstanceID.NotFound", f"The instance ID '{machine}' does not exist"
                )
        found = [n for m, n in nodes.items() if not asked or m in asked]
        found = [n for n in found if all(_passes(n, k, v) for k, v in filters.items())]
        return self._written(found)

    def _written(self, found: Iterable[Instance]) -> bytes:
        if self._shape is None:
            model = service_model("ec2")
            self._shape = model.operation_model("DescribeInstances").output_shape
        answer = {"Reservations": [_reservation(each) for each in found]}
        for problem in problems(self._shape, answer):
            raise WrongAnswer(f"DescribeInstances: {problem}")
        inner = xml(self._shape, answer, "item")
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="{_XMLNS}">'
            f"<requestId>fairlead-rehearse</requestId>{inner}</DescribeInstancesResponse>"
        ).encode()


def error(refusal: Refusal) -> bytes:
    told = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>{told}</Error></Errors>'
        f"<RequestID>fairlead-rehearse</RequestID></Response>"
    ).encode()


def _listed(form: Mapping[str, str], pattern: str) -> list[str]:
    return [value for name, value in form.items() if re.fullmatch(pattern, name)]


def _filters(form: Mapping[str, str]) -> dict[str, list[str]]:
    """Refusal for filters that nothing is done about, and for pages."""
    found = {}
    for name, value in form.items():
        if match := re.fullmatch(r"Filter\.(\d+)\.Name", name):
            found[value] = _listed(form, rf"Filter\.{match[1]}\.Value\.\d+")
    for name in found:
        if name not in _FILTERS:
            raise Refusal("InvalidParameterValue", f"The filter '{name}' is not known here.")
    return found


_FILTERS: Mapping[str, Callable[[Instance], str]] = {
    "instance-id": lambda node: node.machine,
    "private-ip-address": lambda node: node.address,
    "ip-address": lambda node: node.address,
    "availability-zone": lambda node: node.zone,
    "instance-state-name": lambda _: "running",
}


def _passes(node: Instance, name: str, values: list[str]) -> bool:
    return _FILTERS[name](node) in values


def _reservation(node: Instance) -> dict[str, Any]:
    """The address is the node's own loopback address, the public one too."""
    instance = {
        "InstanceId": node.machine,
        "InstanceType": dict(node.attributes).get("ecs.instance-type", "t3.micro"),
        "State": {"Code": 16, "Name": "running"},
        "PrivateIpAddress": node.address,
        "PublicIpAddress": node.address,
        "Placement": {"AvailabilityZone": node.zone},
        "Tags": [{"Key": "Name", "Value": f"rehearse {node.address}"}],
    }
    return {"ReservationId": f"r-{node.machine[2:]}", "Instances": [instance]}
