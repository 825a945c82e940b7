"""What the API refuses, by the names that the real one uses. core/errors.py draws the tree."""

from __future__ import annotations

from fairlead.core.errors import BadInput, FairleadError


class Refusal(BadInput):
    """An error answer: `code` is the exception's name in the API, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class WrongAnswer(FairleadError):
    """An answer of ours does not have the shape that the API's own model gives it."""


def invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterException", message)


def client(message: str) -> Refusal:
    return Refusal("ClientException", message)


def unsupported(what: str) -> Refusal:
    return Refusal("UnsupportedFeatureException", f"fairlead rehearse does not know {what}.")


def throttled() -> Refusal:
    return Refusal("ThrottlingException", "Rate exceeded")


def no_cluster() -> Refusal:
    return Refusal("ClusterNotFoundException", "Cluster not found.")


def no_service() -> Refusal:
    return Refusal("ServiceNotFoundException", "Service not found.")


def inactive_service() -> Refusal:
    return Refusal("ServiceNotActiveException", "Service was not ACTIVE.")


def no_resource() -> Refusal:
    return Refusal("ResourceNotFoundException", "The specified resource wasn't found.")
