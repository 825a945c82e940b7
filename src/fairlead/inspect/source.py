"""Where a set-up is read from: files and directories, or `ecs:CLUSTER` for one that runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from fairlead.core.errors import BadInput, Missing
from fairlead.core.setup import Setup, merged
from fairlead.inspect.read import read

LIVE = "ecs:"
_CLUSTER = re.compile(
    rf"{LIVE}(?:(?P<region>[a-z]{{2}}(?:-[a-z]+)+-[0-9])/)?(?P<name>[A-Za-z0-9_-]{{1,255}})"
)


def look(words: Sequence[Path]) -> Setup:
    """What these paths set up; `ecs:CLUSTER` or `ecs:REGION/CLUSTER` among them is asked of AWS.
    BadInput for what is neither, PlatformError when the cluster cannot be read."""
    live = [word for word in words if str(word).startswith(LIVE) and not word.exists()]
    files = [word for word in words if word not in live]
    found = [read(files)] if files else []
    return merged((*found, *(asyncio.run(_running(str(word))) for word in live)))


async def _running(word: str) -> Setup:
    match = _CLUSTER.fullmatch(word)
    if match is None:
        raise BadInput(f"{word}: expected ecs:CLUSTER or ecs:REGION/CLUSTER")
    if find_spec("botocore") is None:
        raise Missing("a running cluster needs botocore: pip install 'fairlead[ecs]'")
    from fairlead.aws.client import Aws
    from fairlead.aws.session import Account, Clients
    from fairlead.clock import SystemClock
    from fairlead.inspect.live import read_cluster

    aws = Aws(lambda: Clients(Account(match["region"] or "")), SystemClock())
    try:
        return await read_cluster(aws, match["name"])
    finally:
        aws.close()
