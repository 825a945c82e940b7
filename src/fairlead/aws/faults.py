"""What AWS's errors mean: whether to try again, and what to tell people."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)

from fairlead.core.errors import PlatformError

_THROTTLING = {
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_BAD_CREDENTIALS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


class Refused(PlatformError):
    """No further try helps until a person has changed something."""


class Throttled(PlatformError):
    """AWS asks for fewer calls."""


class Unanswered(PlatformError):
    """No answer, or one that a server failed to make: the next try may get one."""


def fault(error: Exception, action: str) -> PlatformError:
    """The error of ours for one that a call of `action` (as IAM writes it) raised."""
    if isinstance(error, PlatformError):
        return error
    if isinstance(error, ClientError):
        return _answered(error, action)
    for kinds, ours, what_to_do in _UNSENT:
        if isinstance(error, kinds):
            return ours(f"{action}: {_brief(error)}{what_to_do}")
    return Unanswered(f"{action}: the answer cannot be read: {type(error).__name__}: {error}")


_UNSENT: tuple[tuple[tuple[type[Exception], ...], type[PlatformError], str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError),
        Refused,
        ": give the machine or task a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID",
    ),
    ((SSOError,), Refused, ": sign in again (aws sso login)"),
    ((CredentialRetrievalError,), Unanswered, ": is the machine's role there?"),
    ((InvalidRegionError,), Refused, ": correct ecs.region"),
    ((NoRegionError,), Refused, ": set ecs.region, or AWS_DEFAULT_REGION"),
    ((ProfileNotFound,), Refused, ": correct ecs.profile, or AWS_PROFILE"),
    (
        (HTTPClientError, AwsConnectionError),
        Unanswered,
        ": AWS cannot be reached, the last answers are kept",
    ),
    ((BotoCoreError,), PlatformError, ""),
)


def code(error: Any) -> str:
    """The error code that AWS answered with, or empty."""
    if not isinstance(error, ClientError):
        return ""
    return str(_part(_part(error.response).get("Error")).get("Code") or "")


def _answered(error: ClientError, action: str) -> PlatformError:
    name, said = code(error), _said(error)
    if name in _THROTTLING:
        return Throttled(f"{action}: throttled by AWS: {said}")
    if name in _DENIED:
        return Refused(
            f"AWS denies {action} ({said}): allow it to fairlead's role;"
            " `fairlead export iam-policy` prints what is needed"
        )
    if name in _BAD_CREDENTIALS:
        return Refused(
            f"{action}: AWS does not accept the credentials ({name}: {said}):"
            " renew them, and check the machine's clock"
        )
    if name == "ClusterNotFoundException":
        return Refused(f"{action}: no such ECS cluster here: correct ecs.cluster or ecs.region")
    if _status(error) >= 500 or name == "ServerException":
        return Unanswered(f"{action}: AWS failed ({name}: {said})")
    return PlatformError(f"{action}: {said} ({name or _status(error)})")


def _said(error: ClientError) -> str:
    return str(_part(_part(error.response).get("Error")).get("Message") or "no message")[:400]


def _status(error: ClientError) -> int:
    status = _part(_part(error.response).get("ResponseMetadata")).get("HTTPStatusCode")
    return status if isinstance(status, int) else 0


def _part(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0][:400] if str(error) else type(error).__name__
