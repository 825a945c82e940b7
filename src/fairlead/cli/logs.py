"""fairlead logs: what a service's endpoints wrote, as they wrote it. Needs no daemon."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from fairlead.cli.place import Place, Whole, file_option, service_argument
from fairlead.cli.tail import Follower, last_lines
from fairlead.cli.text import painted
from fairlead.core.errors import BadInput
from fairlead.core.model import Cluster

PAUSE = 0.2


@click.command("logs")
@service_argument()
@click.option("--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    type=Whole(0, 1_000_000),
    default=100,
    show_default=True,
    help="How many of its last lines to show of each endpoint.",
)
@file_option
def command(place: Place, service: str, follow: bool, lines: int) -> None:
    """Show what SERVICE's endpoints wrote.

    Each line begins with the endpoint's name. It works without a daemon, too.
    """
    cluster = _cluster(place)
    if cluster.platform == "docker":
        _show_containers(cluster, service, lines, follow)
        return
    if cluster.platform == "ecs":
        raise BadInput("ECS keeps its tasks' logs: see the log driver of the task definition")
    directory = _directory(place.state / "logs", service)
    followers: dict[Path, Follower] = {}
    for path in _files(directory):
        followers[path] = Follower(path, _size(path))
        for line in last_lines(path, lines):
            _show(path, line)
    sys.stdout.flush()
    while follow:
        time.sleep(PAUSE)
        _show_new(directory, followers)


def _cluster(place: Place) -> Cluster:
    """What was written is shown without good settings, too."""
    from fairlead.settings import load

    try:
        return load(place.file)
    except BadInput:
        return Cluster()


def _show_containers(cluster: Cluster, service: str, lines: int, follow: bool) -> None:
    import asyncio

    from fairlead.platforms.docker.logs import Written, show_logs

    written = Written(cluster.name, service, lines, follow)
    asyncio.run(show_logs(cluster.docker.host, written, _show_line))


def _show_line(endpoint: str, line: str) -> None:
    click.echo(f"{painted(f'{endpoint} |', 'cyan', sys.stdout)} {line}")


def _directory(logs: Path, service: str) -> Path:
    known = sorted(path.name for path in logs.glob("*") if path.is_dir())
    if service not in known:
        there = ", ".join(known) or "none"
        raise BadInput(f"service {service!r} has written nothing here (logs of: {there})")
    return logs / service


def _files(directory: Path) -> list[Path]:
    """The one last written to at the end."""
    return sorted(directory.glob("*.log"), key=_written)


def _written(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _show_new(directory: Path, followers: dict[Path, Follower]) -> None:
    for path in _files(directory):
        follower = followers.setdefault(path, Follower(path))
        try:
            for line in follower.lines():
                _show(path, line)
        except FileNotFoundError:
            del followers[path]
    sys.stdout.flush()


def _show(path: Path, line: bytes) -> None:
    prefix = painted(f"{path.stem} |", "cyan", sys.stdout)
    sys.stdout.buffer.write(f"{prefix} ".encode() + line + b"\n")
