"""fairlead hook: the drain sidecar of an ECS task."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


@click.command("hook")
def command() -> None:
    """Wait for SIGTERM, then drain this ECS task and exit.

    For a small container beside the app, which it depends on (`dependsOn`): ECS stops it first, and
    the app only after it. It asks at FAIRLEAD_HOOK_URL (by default port 7171 of the host), with the
    token in FAIRLEAD_HOOK_TOKEN, for FAIRLEAD_HOOK_TIMEOUT seconds (25) at most.
    """
    program = Path(__file__).parent.parent / "hook.py"
    # Another interpreter, without the modules of this one: the sidecar runs beside every copy.
    os.execv(sys.executable, [sys.executable, "-I", "-S", str(program)])  # noqa: S606
