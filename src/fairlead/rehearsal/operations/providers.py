"""Capacity providers: there are none, unless whoever runs the server has put some down."""

from __future__ import annotations

from fairlead.core.ecs.model import Wire
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.views import Out, failure


def describe(plane: Plane, request: Wire) -> Out:
    known = plane.ledger.providers
    asked = [name.rpartition("/")[2] for name in request.get("capacityProviders") or known]
    missing = (plane.ledger.arn(f"capacity-provider/{n}") for n in asked if n not in known)
    return {
        "capacityProviders": [known[name] for name in asked if name in known],
        "failures": [failure(arn) for arn in missing],
    }
