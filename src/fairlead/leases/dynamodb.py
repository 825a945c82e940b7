"""A lease in a DynamoDB table, for controllers of different machines.

The table has the string key `name`, one item a cluster: name, holder, epoch, beat. Every change is
a PutItem on the condition that the item is still what was read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fairlead.aws.client import Aws, Call
from fairlead.core.errors import BadInput, LeaseError, PlatformError
from fairlead.core.lease import Lease
from fairlead.core.model import Cluster
from fairlead.ports import Clock

_PLACE = re.compile(r"dynamodb:(?:([a-z]{2}(?:-[a-z]+)+-[0-9])/)?([A-Za-z0-9_.-]{3,255})")
_SAME = "#holder = :holder AND #epoch = :epoch AND #beat = :beat"
_NAMES = {"#holder": "holder", "#epoch": "epoch", "#beat": "beat"}
"""`holder` and the like may become reserved words of expressions; placeholders never do."""


class DynamoLease:
    """Implements ports.LeaseStore. `name` is the item's, the cluster."""

    def __init__(self, call: Call, table: str, name: str) -> None:
        self._call, self._table, self._name = call, table, name

    async def read(self) -> Lease | None:
        key = {"name": {"S": self._name}}
        try:
            answer = await self._call(
                "dynamodb:GetItem", TableName=self._table, Key=key, ConsistentRead=True
            )
        except PlatformError as error:
            raise LeaseError(f"cannot read the lease: {error}") from error
        return _lease(answer["Item"]) if answer.get("Item") else None

    async def swap(self, before: Lease, after: Lease) -> bool:
        """One try: whoever holds the lease has to know soon."""
        try:
            await self._call(
                "dynamodb:PutItem",
                TableName=self._table,
                Item={"name": {"S": self._name}, **_item(after)},
                **_condition(before),
            )
        except PlatformError as error:
            if _is_refused(error):
                return False
            raise LeaseError(f"cannot write the lease: {error}") from error
        return True


def open_lease(place: str, cluster: Cluster, clock: Clock) -> DynamoLease:
    """For `dynamodb:TABLE` or `dynamodb:REGION/TABLE`; BadInput for anything else. Region and
    profile are those of the ecs section unless told, else what AWS's tools find."""
    if not (match := _PLACE.fullmatch(place)):
        raise BadInput(f"controller.lease: {place!r} is neither dynamodb:TABLE nor with REGION/")
    region, table = match[1] or cluster.ecs.region, match[2]

    def opened() -> Any:
        from fairlead.aws.session import Account, Clients

        return Clients(Account(region, cluster.ecs.profile))

    return DynamoLease(Aws(opened, clock).once, table, cluster.name)


def _item(lease: Lease) -> dict[str, dict[str, str]]:
    return {
        "holder": {"S": lease.holder},
        "epoch": {"N": str(lease.epoch)},
        "beat": {"N": str(lease.beat)},
    }


def _condition(before: Lease) -> dict[str, Any]:
    if before == Lease():
        names = {"#name": "name"}
        return {
            "ConditionExpression": "attribute_not_exists(#name)",
            "ExpressionAttributeNames": names,
        }
    return {
        "ConditionExpression": _SAME,
        "ExpressionAttributeNames": _NAMES,
        "ExpressionAttributeValues": {f":{key}": value for key, value in _item(before).items()},
    }


def _lease(item: Mapping[str, Mapping[str, str]]) -> Lease:
    try:
        numbers = int(item["epoch"]["N"]), int(item["beat"]["N"])
        return Lease(item["holder"]["S"], *numbers)
    except (KeyError, ValueError, TypeError) as error:
        raise LeaseError(f"the lease's item is not fairlead's: {error!r}") from error


def _is_refused(error: PlatformError) -> bool:
    from fairlead.aws.faults import code

    return code(error.__cause__) == "ConditionalCheckFailedException"
