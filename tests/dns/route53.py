"""Route 53 over HTTP, as strict as the real one: what it reads and answers is held to botocore's
model, records are held to the rules of the API reference, a batch is made whole or not at all.

Messages are in the words of the real ones (kubernetes-sigs/external-dns#732 and others quote them).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.validate import ParamValidator

from tests.dns.server import FakeApi

_NS = "https://route53.amazonaws.com/doc/2013-04-01/"
_MODEL = botocore.session.get_session().get_service_model("route53")
Set = dict[str, Any]
_ROUTINGS = ("Weight", "MultiValueAnswer", "Region", "GeoLocation", "Failover")


class Refusal(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class FakeRoute53(FakeApi):
    """`zones` by id: their names. `page` bounds a page. `throttle`: so many calls are refused."""

    def __init__(self, page: int = 3) -> None:
        super().__init__(_Handler)
        self.zones = {"Z0EXAMPLE": "example.com.", "Z0OTHER": "example.net."}
        self.sets: dict[str, list[Set]] = {zone: [] for zone in self.zones}
        self.page, self.throttle = page, 0
        self.calls: list[str] = []
        self.batches: list[int] = []

    def values(self, name: str, kind: str = "A") -> set[str]:
        found = [s for s in self.sets["Z0EXAMPLE"] if (s["Name"], s["Type"]) == (f"{name}.", kind)]
        return {item["Value"] for each in found for item in each.get("ResourceRecords", ())}

    def put(self, name: str, *values: str, kind: str = "A", **more: Any) -> None:
        """As somebody else: the sets of this name and kind are replaced."""
        records = {"TTL": 300, "ResourceRecords": [{"Value": v} for v in values]}
        made = {"Name": f"{name}.", "Type": kind, **({} if "AliasTarget" in more else records)}
        kept = [s for s in self.sets["Z0EXAMPLE"] if (s["Name"], s["Type"]) != (f"{name}.", kind)]
        self.sets["Z0EXAMPLE"] = [*kept, made | more]

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.calls.append(operation)
            if self.throttle:
                self.throttle -= 1
                raise Refusal("Throttling", "Rate exceeded")
            return _OPERATIONS[operation](self, given)

    def list_sets(self, given: dict[str, Any]) -> dict[str, Any]:
        start = (
            _order_of_name(_full(given.get("StartRecordName", ""))),
            given.get("StartRecordType", ""),
            given.get("StartRecordIdentifier", ""),
        )
        if start[2] and not start[1]:
            raise Refusal("InvalidInput", "Identifier without type")
        rest = [s for s in sorted(self._of(given), key=_order) if _order(s) >= start]
        most = min(self.page, int(given.get("MaxItems", "300")))
        answer = {
            "ResourceRecordSets": rest[:most],
            "IsTruncated": len(rest) > most,
            "MaxItems": str(most),
        }
        if len(rest) > most:
            after = rest[most]
            answer |= {"NextRecordName": after["Name"], "NextRecordType": after["Type"]}
            if "SetIdentifier" in after:
                answer["NextRecordIdentifier"] = after["SetIdentifier"]
        return answer

    def list_zones(self, given: dict[str, Any]) -> dict[str, Any]:
        start = _order_of_name(_full(given.get("DNSName", "")))
        zones = sorted(self.zones.items(), key=lambda item: (_order_of_name(item[1]), item[0]))
        rest = [item for item in zones if _order_of_name(item[1]) >= start]
        most = int(given.get("MaxItems", "100"))
        found = [
            {"Id": f"/hostedzone/{zone}", "Name": name, "CallerReference": zone}
            for zone, name in rest[:most]
        ]
        return {"HostedZones": found, "IsTruncated": len(rest) > most, "MaxItems": str(most)}

    def change(self, given: dict[str, Any]) -> dict[str, Any]:
        changes = given["ChangeBatch"]["Changes"]
        values = sum(len(c["ResourceRecordSet"].get("ResourceRecords", ())) for c in changes)
        if values > 1000:
            raise Refusal("InvalidChangeBatch", "Number of records limit of 1000 exceeded.")
        self.batches.append(len(changes))
        after, wrong = deepcopy(self._of(given)), []
        for change in changes:
            try:
                _make(after, change, self.zones[_zone(given)])
            except Refusal as refusal:
                wrong.append(str(refusal))
        if wrong:
            raise Refusal("InvalidChangeBatch", f"[{', '.join(wrong)}]")
        self.sets[_zone(given)] = after
        info = {"Id": "/change/C1", "Status": "PENDING", "SubmittedAt": "2026-01-01T00:00:00Z"}
        return {"ChangeInfo": info}

    def _of(self, given: dict[str, Any]) -> list[Set]:
        if _zone(given) not in self.sets:
            raise Refusal("NoSuchHostedZone", f"No hosted zone found with ID: {_zone(given)}", 404)
        return self.sets[_zone(given)]


_OPERATIONS: dict[str, Callable[[FakeRoute53, dict[str, Any]], dict[str, Any]]] = {
    "ListResourceRecordSets": FakeRoute53.list_sets,
    "ListHostedZonesByName": FakeRoute53.list_zones,
    "ChangeResourceRecordSets": FakeRoute53.change,
}


def _make(sets: list[Set], change: dict[str, Any], zone: str) -> None:
    wanted = change["ResourceRecordSet"] | {"Name": _full(change["ResourceRecordSet"]["Name"])}
    _check(wanted, zone)
    there = next((s for s in sets if _key(s) == _key(wanted)), None)
    told = f"resource record set [name='{wanted['Name']}', type='{wanted['Type']}'"
    told += f", set-identifier='{wanted['SetIdentifier']}']" if "SetIdentifier" in wanted else "]"
    if change["Action"] == "DELETE":
        if there is None:
            raise Refusal("", f"Tried to delete {told} but it was not found")
        if _exact(there) != _exact(wanted):
            reason = "but the values provided do not match the current values"
            raise Refusal("", f"Tried to delete {told} {reason}")
        sets.remove(there)
        return
    if there is not None and change["Action"] == "CREATE":
        raise Refusal("", f"Tried to create {told} but it already exists")
    others = [s for s in sets if s is not there]
    _check_beside(wanted, others)
    sets[:] = [*others, wanted]


def _check(wanted: Set, zone: str) -> None:
    name, kind = wanted["Name"], wanted["Type"]
    if name != zone and not name.endswith(f".{zone}"):
        raise Refusal("", f"RRSet with DNS name {name} is not permitted in zone {zone}")
    routed = [key for key in _ROUTINGS if key in wanted]
    if len(routed) > 1 or bool(routed) != ("SetIdentifier" in wanted):
        raise Refusal("", f"Invalid request: one routing needs one SetIdentifier, at {name}")
    if ("AliasTarget" in wanted) == ("TTL" in wanted or "ResourceRecords" in wanted):
        raise Refusal("", f"Invalid request: Expected either TTL and values, or an alias: {name}")
    values = [item["Value"] for item in wanted.get("ResourceRecords", ())]
    if "AliasTarget" not in wanted and ("TTL" not in wanted or not values):
        raise Refusal("", f"Invalid request: Missing TTL or values at {name}")
    if len(set(values)) != len(values):
        raise Refusal("", f"Duplicate Resource Record at {name}")
    if wanted.get("MultiValueAnswer") and len(values) != 1:
        raise Refusal("", f"A multivalue answer record has one value: {name}")
    for value in values:
        _check_value(kind, value)


def _check_value(kind: str, value: str) -> None:
    if not _FITS.get(kind, bool)(value):
        raise Refusal("", f"Invalid Resource Record: FATAL problem encountered with {value}")


def _is(address: Callable[[str], object]) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        try:
            return bool(address(value))
        except ValueError:
            return False

    return fits


_FITS: dict[str, Callable[[str], bool]] = {
    "A": _is(IPv4Address),
    "AAAA": _is(IPv6Address),
    "TXT": lambda value: len(value) > 1 and value[0] == value[-1] == '"',
}


def _check_beside(wanted: Set, others: list[Set]) -> None:
    name = wanted["Name"]
    at_name = [s for s in others if s["Name"] == name]
    if any((s["Type"] == "CNAME") != (wanted["Type"] == "CNAME") for s in at_name):
        raise Refusal(
            "", f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts"
        )
    for each in at_name:
        if each["Type"] == wanted["Type"] and _routed(each) != _routed(wanted):
            reason = "cannot be created as other RRSets exist with the same name and type"
            raise Refusal("", f"RRSet with DNS name {name}, type {wanted['Type']} {reason}.")


def _routed(each: Set) -> list[str]:
    return [key for key in _ROUTINGS if key in each]


def _key(each: Set) -> tuple[str, str, str]:
    return each["Name"], each["Type"], each.get("SetIdentifier", "")


def _exact(each: Set) -> Set:
    return each | {"ResourceRecords": sorted(i["Value"] for i in each.get("ResourceRecords", ()))}


def _order(each: Set) -> tuple[Any, ...]:
    return _order_of_name(each["Name"]), each["Type"], each.get("SetIdentifier", "")


def _order_of_name(name: str) -> list[str]:
    return name.rstrip(".").split(".")[::-1] if name.rstrip(".") else []


def _full(name: str) -> str:
    return name.lower().rstrip(".") + "." if name else ""


def _zone(given: dict[str, Any]) -> str:
    return str(given["HostedZoneId"]).removeprefix("/hostedzone/")


class _Handler(BaseHTTPRequestHandler):
    fake: FakeRoute53
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: no delayed ACK is waited for

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])).decode())

    def log_message(self, *arguments: object) -> None:
        """Silent."""

    def _answer(self, body: str) -> None:
        if self.fake.away:
            self.close_connection = True
            return
        try:
            operation, given = self._read(body)
            shape = _MODEL.operation_model(operation).output_shape
            answer = self.fake.answer(operation, given)
            root = ET.Element(f"{operation}Response", xmlns=_NS)
            _write(root, shape, answer)
            self._send(200, ET.tostring(root))
        except Refusal as refusal:
            self._send(refusal.status, _error(refusal))

    def _read(self, body: str) -> tuple[str, dict[str, Any]]:
        scope = "/us-east-1/route53/aws4_request"
        if scope not in self.headers.get("authorization", ""):
            raise Refusal("SignatureDoesNotMatch", f"Credential should be scoped to {scope}", 403)
        url = urlsplit(self.path)
        operation, given = _routed_to(self.command, url.path)
        shape = _MODEL.operation_model(operation).input_shape
        names = {
            member.serialization.get("name", key): key
            for key, member in shape.members.items()
            if member.serialization.get("location") == "querystring"
        }
        for key, values in parse_qs(url.query, keep_blank_values=True).items():
            given[names[key]] = values[0]
        if body:
            given |= _parse(ET.fromstring(body), shape)
        if report := ParamValidator().validate(given, shape).generate_report():
            raise Refusal("InvalidInput", report)
        return operation, given

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _routed_to(method: str, path: str) -> tuple[str, dict[str, Any]]:
    parts = path.strip("/").split("/")
    if (method, parts[1:]) == ("GET", ["hostedzonesbyname"]):
        return "ListHostedZonesByName", {}
    if parts[1] == "hostedzone" and parts[3:] == ["rrset"]:
        name = "ListResourceRecordSets" if method == "GET" else "ChangeResourceRecordSets"
        return name, {"HostedZoneId": parts[2]}
    raise Refusal("UnknownOperationException", f"{method} {path}", 404)


def _parse(element: ET.Element, shape: Any) -> Any:
    """XML by the model; a member that it does not have is refused."""
    if shape.type_name == "list":
        return [_parse(child, shape.member) for child in element]
    if shape.type_name != "structure":
        return _scalar(element.text or "", shape.type_name)
    made = {}
    for child in element:
        tag = child.tag.rpartition("}")[2]
        if tag not in shape.members:
            raise Refusal("MalformedInput", f"Unexpected element {tag}")
        made[tag] = _parse(child, shape.members[tag])
    return made


def _scalar(text: str, kind: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    return int(text) if kind in {"integer", "long"} else text


def _write(element: ET.Element, shape: Any, value: Any) -> None:
    if shape.type_name == "structure":
        for key, inner in value.items():
            _write(ET.SubElement(element, key), shape.members[key], inner)
    elif shape.type_name == "list":
        for inner in value:
            name = shape.member.serialization.get("name", "member")
            _write(ET.SubElement(element, name), shape.member, inner)
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def _error(refusal: Refusal) -> bytes:
    root = ET.Element("ErrorResponse", xmlns=_NS)
    error = ET.SubElement(root, "Error")
    for tag, text in (("Type", "Sender"), ("Code", refusal.code), ("Message", str(refusal))):
        ET.SubElement(error, tag).text = text
    ET.SubElement(root, "RequestId").text = "0000"
    return ET.tostring(root)


@contextmanager
def route53(page: int = 3) -> Iterator[FakeRoute53]:
    fake = FakeRoute53(page)
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()
