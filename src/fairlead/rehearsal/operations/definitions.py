"""Task definitions."""

from __future__ import annotations

import re
from dataclasses import replace

from fairlead.core.ecs.model import ACTIVE, INACTIVE, Definition, Wire
from fairlead.rehearsal.definitions import read_definition
from fairlead.rehearsal.docker_options import unknown, unknown_volume
from fairlead.rehearsal.faults import client, unsupported
from fairlead.rehearsal.operations.given import tags_of
from fairlead.rehearsal.paging import page
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.views import Out, definition_view, tag_list

_NOT_WITH_DOCKER = ("pidMode", "ipcMode", "proxyConfiguration", "inferenceAccelerators")
_FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}")


def register(plane: Plane, request: Wire) -> Out:
    family, ledger = request["family"], plane.ledger
    if not _FAMILY.fullmatch(family):
        raise client("Family contains invalid characters.")
    tags = tags_of(request)
    known = ledger.definitions.get(family, [])
    revision = known[-1].revision + 1 if known else 1
    arn = ledger.arn(f"task-definition/{family}:{revision}")
    if plane.site.runtime.boxed:
        _check_for_docker(request)
    definition = read_definition(request, arn, revision)
    wire = {**definition.wire, "registeredAt": ledger.now(), "registeredBy": ledger.arn("root")}
    definition = replace(definition, wire=wire)
    ledger.definitions[family] = [*known, definition]
    ledger.tags[arn] = tags
    return {"taskDefinition": definition_view(definition), "tags": tag_list(tags)}


def _check_for_docker(request: Wire) -> None:
    """Refusal when containers would miss something that they ask for."""
    asked = [name for each in request["containerDefinitions"] for name in unknown(each)]
    asked += [name for each in request.get("volumes", ()) for name in unknown_volume(each)]
    asked += [name for name in _NOT_WITH_DOCKER if request.get(name)]
    if asked:
        raise unsupported(f"`{asked[0]}` with --docker")


def deregister(plane: Plane, request: Wire) -> Out:
    given = request["taskDefinition"]
    if ":" not in given.rpartition("/")[2]:
        raise client("Invalid revision number. Number was not an integer.")
    known = plane.ledger.definition(given)
    wire = {**known.wire, "deregisteredAt": plane.ledger.now()}
    changed = replace(known, status=INACTIVE, wire=wire)
    kept = plane.ledger.definitions[known.family]
    plane.ledger.definitions[known.family] = [changed if d is known else d for d in kept]
    return {"taskDefinition": definition_view(changed)}


def describe(plane: Plane, request: Wire) -> Out:
    definition = plane.ledger.definition(request["taskDefinition"])
    answer: Out = {"taskDefinition": definition_view(definition)}
    if "TAGS" in request.get("include", ()):
        answer["tags"] = tag_list(plane.ledger.tags.get(definition.arn, {}))
    return answer


def list_(plane: Plane, request: Wire) -> Out:
    status, prefix = request.get("status", ACTIVE), request.get("familyPrefix", "")
    kept = [d for of_one in plane.ledger.definitions.values() for d in of_one]
    found = {
        _key(each): each.arn
        for each in kept
        if each.status == status and (not prefix or each.family == prefix)
    }
    if request.get("sort") == "DESC":
        return _descending(found, request)
    given = page(found, request, "taskDefinitionArns")
    return {**given, "taskDefinitionArns": [found[key] for key in given["taskDefinitionArns"]]}


def _descending(found: dict[str, str], request: Wire) -> Out:
    ordered = sorted(found, reverse=True)
    numbered = {f"{place:09}": found[key] for place, key in enumerate(ordered)}
    given = page(numbered, request, "taskDefinitionArns")
    return {**given, "taskDefinitionArns": [numbered[k] for k in given["taskDefinitionArns"]]}


def _key(definition: Definition) -> str:
    return f"{definition.family}:{definition.revision:09}"
