"""fairlead rehearse: a local ECS."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.place import Whole
from fairlead.cli.text import printable

if TYPE_CHECKING:
    from fairlead.core.model import Cluster
    from fairlead.rehearsal.rehearsal import Rehearsal


@click.command("rehearse")
@click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A settings file whose services are to run; without it the cluster is empty.",
)
@click.option("--nodes", type=Whole(0, 254), default=2, show_default=True, help="How many nodes.")
@click.option(
    "--memory", type=Whole(1), default=940, show_default=True, help="MiB of memory a node."
)
@click.option(
    "--cpu", type=Whole(1), default=2048, show_default=True, help="CPU units a node (1024 a core)."
)
@click.option(
    "--task-memory",
    type=Whole(4),
    default=128,
    show_default=True,
    help="MiB that each task of the file's services asks for.",
)
@click.option(
    "--listen", default="127.0.0.1:7180", show_default=True, help="Where the API answers."
)
@click.option(
    "--network",
    default="127.0.1",
    show_default=True,
    help="Loopback addresses: the nodes are its .1, .2 and so on.",
)
@click.option("--asg", default="", help="Have the nodes in an auto scaling group of this name.")
@click.option(
    "--asg-max", type=Whole(1, 254), default=10, show_default=True, help="Its largest size."
)
@click.option("--queue", default="", help="URL of an SQS queue that gets the events.")
@click.option("--outputs", default="", help="Directory that keeps what containers write.")
@click.option("--docker", is_flag=True, help="Run images as containers of the Docker engine.")
@click.option("--unlimited", is_flag=True, help="Answer any number of calls a second.")
def command(file: Path | None, task_memory: int, unlimited: bool, **settings: Any) -> int:
    """Run a local ECS to try scaling, deploys and drains on.

    It speaks the API of ECS (DescribeInstances of EC2, and with --asg that of an auto scaling
    group, by which nodes come and go), places tasks as ECS does, and runs the `command` of
    containers as processes on this machine: each node has a loopback address of its own. A program
    must listen on the address in HOST and the port in PORT. With --docker it runs images as
    containers instead.

    Without --docker it isolates nothing, and counts cpu and memory without enforcing them. It
    checks no credentials: it is for one machine and for rehearsals. It knows no load balancers,
    Fargate, capacity providers, service discovery or Service Connect, and refuses what asks for
    them. Ctrl-C stops everything.
    """
    import asyncio

    settings["throttle"] = not unlimited
    return asyncio.run(_serve(file, task_memory, settings))


async def _serve(file: Path | None, task_memory: int, settings: dict[str, Any]) -> int:
    from fairlead.rehearsal.from_settings import populate
    from fairlead.rehearsal.rehearsal import Rehearsal
    from fairlead.settings import load

    cluster = load(file) if file else None
    stopped = _on_signals()
    async with Rehearsal(**settings, cluster=cluster.name if cluster else "default") as ecs:
        ecs.ledger.voices.append(_tell)
        ecs.subscribe(_tell_of_end)
        names = populate(ecs, cluster, task_memory) if cluster else []
        _introduce(ecs, cluster, names)
        await stopped.wait()
        _tell("# stopping what runs")
    return 0


def _on_signals() -> Any:
    import asyncio
    import signal

    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _introduce(ecs: Rehearsal, cluster: Cluster | None, names: list[str]) -> None:
    for name, value in ecs.environment().items():
        click.echo(f"export {name}={value}")
    _tell(f"# cluster {ecs.setting.cluster}: {_nodes(ecs)}")
    _tell_left_out(cluster, ecs.setting.docker)
    given, service = ecs.setting.cluster, names[0] if names else "SERVICE"
    _tell("# in another shell, with these:")
    _tell(f"#   aws ecs update-service --cluster {given} --service {service} --desired-count 2")
    _tell(f"#   aws ecs list-tasks --cluster {given} --service-name {service}")


def _nodes(ecs: Rehearsal) -> str:
    addresses = [node.address for node in ecs.cluster.instances.values()]
    if len(addresses) < 2:
        return f"1 node at {addresses[0]}" if addresses else "no nodes, so no task finds a place"
    return f"{len(addresses)} nodes, {addresses[0]} to {addresses[-1]}"


def _tell_left_out(cluster: Cluster | None, docker: bool) -> None:
    from fairlead.rehearsal.from_settings import can_run

    out = [s.name for s in cluster.services if not can_run(s, docker)] if cluster else []
    if out:
        why = "they have no `image`" if docker else "only a `run` without an `image` runs here"
        _tell(f"# left out: {', '.join(out)}: {why}")


def _tell_of_end(event: dict[str, Any]) -> None:
    """Why a task did not stay; in AWS that is found by DescribeTasks only."""
    task = event["detail"]
    failed = task.get("stopCode") in ("TaskFailedToStart", "EssentialContainerExited")
    if task.get("lastStatus") == "STOPPED" and failed:
        ends = "; ".join(_end(each) for each in task["containers"])
        identity = task["taskArn"].rpartition("/")[2]
        _tell(f"# task {identity} of {task['group']}: {task['stoppedReason']}: {ends}")


def _end(container: dict[str, Any]) -> str:
    exited = f"exit code {container['exitCode']}" if "exitCode" in container else "not started"
    return f"{container['name']}: {container.get('reason') or exited}"


def _tell(text: str) -> None:
    """A terminal that went away must not end it."""
    with suppress(OSError):
        click.echo(printable(text))
