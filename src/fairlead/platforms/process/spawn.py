"""Starting one endpoint's process: argv as it is given, never through a shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fairlead.core.errors import PlatformError
from fairlead.core.model import Service

ENDPOINT = "FAIRLEAD_ENDPOINT"
SERVICE = "FAIRLEAD_SERVICE"


def arguments(service: Service, port: int) -> list[str]:
    return [argument.replace("{port}", str(port)) for argument in service.run]


def environment(
    inherited: Mapping[str, str], service: Service, endpoint_id: str, port: int
) -> dict[str, str]:
    ours = {"PORT": str(port), ENDPOINT: endpoint_id, SERVICE: service.name}
    return {**inherited, **dict(service.env), **ours}


def spawn(service: Service, endpoint_id: str, port: int, output: int) -> int:
    """The pid of a new process, leader of a session and group of its own.

    PlatformError names what cannot be run. The caller has to reap it.
    """
    if service.cwd and not Path(service.cwd).is_dir():
        raise PlatformError(f"{service.name}: the working directory {service.cwd!r} does not exist")
    argv = arguments(service, port)
    try:
        process = subprocess.Popen(
            argv,
            env=environment(os.environ, service, endpoint_id, port),
            cwd=service.cwd or None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise PlatformError(f"{service.name}: {_reason(argv[0], error)}") from error
    process.returncode = 0  # Popen lets go of it: a pidfd watches it from here on
    return process.pid


def _reason(command: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"command {command!r} not found: install it, or give its path in `run`"
    if isinstance(error, PermissionError):
        return f"command {command!r} is not executable (or its directory not readable)"
    return f"command {command!r} cannot be started: {error}"
