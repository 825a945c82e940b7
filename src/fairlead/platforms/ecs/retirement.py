"""Taking chosen tasks of a service away, so that ECS takes these and no others.

ECS chooses by itself which task goes when the desired count falls, and there is no way to tell it.
So the others are protected for a moment. In order:

1. protect the others for EXPIRES minutes: after a crash they are free again by themselves, or by
   the next retirement that wants one of them to go;
2. lower the count: no lower than to the tasks that are to stay. So doing it again, after a crash
   or an answer that got lost, takes away nothing more;
3. wait until ECS has begun to stop the victims, stop those that it does not choose (somebody else
   may have protected them);
4. unprotect, and not before: ECS would take one of the others.

Where a protection is refused (an old platform, no permission, a deployment on its way) the victims
are stopped first and the count is lowered right after, before ECS starts others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from fairlead.aws.client import Answer, Call
from fairlead.core.errors import PlatformError
from fairlead.core.model import Phase
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.reader import Reader
from fairlead.platforms.ecs.shapes import moment, parts, text
from fairlead.ports import Clock

EXPIRES = 2
_CHOICE = 20.0
_AT_A_TIME = 10
REASON = "fairlead: drained"


class Owner(Enum):
    US, OTHER = "us", "other"


@dataclass(frozen=True, slots=True)
class Means:
    """All that a retirement acts through. `look` reads the cluster once more, soon."""

    call: Call
    reader: Reader
    memory: Memory
    cluster: str
    clock: Clock
    look: Callable[[], Awaitable[None]]


async def retire(means: Means, service: str, victims: Collection[str]) -> None:
    """Lower the ECS service's count by the number of these tasks (ARNs), and have them go.

    PlatformError when the count could not be lowered, or a task not be stopped: it can be done
    again as it is.
    """
    staying = set(await means.reader.list_tasks(service=service)) - set(victims)
    protected = await _protect(means, service, staying, victims)
    if protected is None:
        await _stop_all(means, victims)
        await _lower(means, service, victims)
        return
    try:
        target = await _lower(means, service, victims)
        await _chosen(means, service, target, victims)
        await _stop_all(means, victims)
    except Exception:
        await _unprotect(means, protected)
        raise
    # Broken off halfway they stay protected, until that expires: ECS would take one of them.
    await _unprotect(means, protected)


async def stop(means: Means, arn: str) -> None:
    """Have a task go; its service starts another one."""
    if _is_going(means.memory, arn):
        return
    await means.call("ecs:StopTask", cluster=means.cluster, task=arn, reason=REASON)


async def _lower(means: Means, service: str, victims: Collection[str]) -> int:
    """The count that it is now."""
    counts, _ = await means.reader.counts([service])
    count = counts[0] if counts else None
    if count is None or count.desired is None:
        raise PlatformError(f"ECS service {service} keeps no count that could be lowered")
    staying = set(await means.reader.list_tasks(service=service)) - set(victims)
    target = lowered(count.desired, len(victims), len(staying))
    if target < count.desired:
        await means.call(
            "ecs:UpdateService", cluster=means.cluster, service=service, desiredCount=target
        )
    means.memory.resized(service, target, victims)
    return target


def lowered(desired: int, victims: int, staying: int) -> int:
    """The count without the victims, and never below the tasks that are to stay: when it is there
    already, or ECS is replacing the victims, somebody has lowered it before."""
    return min(desired, max(desired - victims, staying))


async def _protect(
    means: Means, service: str, staying: Collection[str], victims: Collection[str]
) -> list[str] | None:
    """Those that are protected now by us; None when it cannot be done, or is of no use. A victim
    that a retirement which was broken off has left protected is free again: ECS would not take it.
    """
    count = means.memory.counts.get(service)
    if (count and count.rolling) or not any(_is_running(means.memory, v) for v in victims):
        return None
    running = [arn for arn in sorted(staying) if _is_running(means.memory, arn)]
    try:
        found = await _protections(means, [*running, *victims])
        ours = [arn for arn in running if found.get(arn) is not Owner.OTHER]
        for batch in _batches(ours):
            answer = await _set(means, batch, True, expiresInMinutes=EXPIRES)
            _refuse_failures(answer)
        for batch in _batches([arn for arn in victims if found.get(arn) is Owner.US]):
            await _set(means, batch, False)
    except PlatformError:
        with suppress(PlatformError):
            await _unprotect(means, running)
        return None
    return ours


async def _protections(means: Means, arns: Sequence[str]) -> dict[str, Owner]:
    """Of those that are protected, by whom: somebody else does it for longer than we ever do."""
    limit = means.clock.wall() + EXPIRES * 60
    found: dict[str, Owner] = {}
    for batch in _batches(arns):
        answer = await means.call("ecs:GetTaskProtection", cluster=means.cluster, tasks=list(batch))
        for p in parts(answer, "protectedTasks"):
            if p.get("protectionEnabled") is True:
                longer = (moment(p, "expirationDate") or limit + 1) > limit
                found[text(p, "taskArn")] = Owner.OTHER if longer else Owner.US
    return found


async def _unprotect(means: Means, arns: Sequence[str]) -> None:
    """What fails here ends by itself, when the protection expires."""
    with suppress(PlatformError):
        for batch in _batches(arns):
            await _set(means, batch, False)


async def _set(means: Means, arns: Sequence[str], enabled: bool, **more: int) -> Answer:
    return await means.call(
        "ecs:UpdateTaskProtection",
        cluster=means.cluster,
        tasks=list(arns),
        protectionEnabled=enabled,
        **more,
    )


def _refuse_failures(answer: Answer) -> None:
    for failure in parts(answer, "failures"):
        if text(failure, "reason") not in ("MISSING", "TASK_NOT_VALID"):
            raise PlatformError(f"a task cannot be protected: {text(failure, 'reason')}")


async def _chosen(means: Means, service: str, target: int, victims: Collection[str]) -> None:
    """Until ECS stops them all, or will not: the time for it is up, or the count was raised again
    meanwhile."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CHOICE):
            while any(not _is_going(means.memory, arn) for arn in victims):
                if _raised(means.memory, service, target):
                    return
                await means.look()


def _raised(memory: Memory, service: str, target: int) -> bool:
    count = memory.counts.get(service)
    return count is not None and (count.desired or 0) > target


async def _stop_all(means: Means, victims: Collection[str]) -> None:
    for arn in victims:
        await stop(means, arn)


def _is_going(memory: Memory, arn: str) -> bool:
    task = memory.task(arn)
    return task is None or task.phase in (Phase.STOPPING, Phase.EXITED)


def _is_running(memory: Memory, arn: str) -> bool:
    task = memory.task(arn)
    return task is not None and task.phase is Phase.RUNNING


def _batches(arns: Sequence[str]) -> Iterator[Sequence[str]]:
    return (arns[at : at + _AT_A_TIME] for at in range(0, len(arns), _AT_A_TIME))
