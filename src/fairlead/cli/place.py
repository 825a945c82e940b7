"""Which cluster a command means: its settings file, and the state directory beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from math import isnan
from pathlib import Path
from typing import Any

import click


class Whole(click.IntRange):
    """A whole number within bounds, called so in errors."""

    name = "whole number"


class Number(click.FloatRange):
    """A number within bounds; what is none (NaN) compares with no bound."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if isnan(number):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return number


class Seconds(Number):
    name = "number of seconds"


class Span(click.ParamType[float]):
    """A span of time as settings write it, such as 90s or 1m; seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,3})?)(ms|s|m|h)?", str(value))
        if not match:
            self.fail(f"{value!r} is no time such as 30s or 1m", param, ctx)
        return float(match[1]) * _UNITS[match[2] or "s"]


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
STATE_NAME = ".fairlead"
CONTROLLER = "controller"
"""Where in the state directory a controller keeps its own state: an agent may be beside it."""
SOCKET = "fairlead.sock"


@dataclass(frozen=True, slots=True)
class Place:
    """Both paths are absolute. The state directory is FAIRLEAD_STATE when that is set."""

    file: Path
    state: Path

    @classmethod
    def of(cls, file: Path) -> Place:
        file = file.absolute()
        state = os.environ.get("FAIRLEAD_STATE")
        return cls(file, Path(state).absolute() if state else file.parent / STATE_NAME)

    @property
    def socket(self) -> Path:
        """Of the daemon; of the controller where one runs alone."""
        own, led = self.state / SOCKET, self.state / CONTROLLER / SOCKET
        return led if led.exists() and not own.exists() else own


def file_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `-f/--file` to a command and hands it the Place as its first argument."""

    def with_place(*, file: Path, **arguments: Any) -> Any:
        return command(Place.of(file), **arguments)

    return click.option(
        "-f",
        "--file",
        type=click.Path(dir_okay=False, path_type=Path),
        default="fairlead.yaml",
        envvar="FAIRLEAD_FILE",
        show_default=True,
        show_envvar=True,
        help="The settings file.",
    )(update_wrapper(with_place, command))


def service_argument(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A SERVICE argument that the shell can complete."""
    return click.argument("service", shell_complete=_complete_service, **options)


def endpoint_argument() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A SERVICE/ENDPOINT argument that the shell can complete."""
    return click.argument("endpoint", metavar="SERVICE/ENDPOINT", shell_complete=_complete_endpoint)


def _complete_service(context: click.Context, _: click.Parameter, start: str) -> list[str]:
    names = [service["name"] for service in _services(context)]
    return [name for name in names if name.startswith(start)]


def _complete_endpoint(context: click.Context, _: click.Parameter, start: str) -> list[str]:
    names = [f"{s['name']}/{e['id']}" for s in _services(context) for e in s["endpoints"]]
    return [name for name in names if name.startswith(start)]


def _services(context: click.Context) -> list[Any]:
    """The daemon's services; none when it does not answer, for a completion must stay silent."""
    from fairlead.cli.client import Client
    from fairlead.core.errors import FairleadError

    file = context.params.get("file") or os.environ.get("FAIRLEAD_FILE") or "fairlead.yaml"
    try:
        return list(Client(Place.of(Path(file)), timeout=1.0).status()["services"])
    except FairleadError:
        return []


def wait_timeout_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the `--timeout` that bounds a `--wait`."""
    option = click.option(
        "--timeout",
        type=Seconds(0),
        default=120.0,
        show_default=True,
        help="Seconds that --wait waits.",
    )
    return option(command)
