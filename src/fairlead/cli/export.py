"""fairlead export: what other tools need to know of fairlead, in their own form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from fairlead.cli.exporting import EXPORTS, Asked
from fairlead.cli.place import Place, file_option
from fairlead.core.errors import BadInput

CAPABILITIES = ("scaling", "metrics", "nodes", "events", "dns", "lease")
_PARTS = frozenset({"file", "out", "image", "port", "memory", "cpu"})
_OPTIONS: Mapping[str, frozenset[str]] = {
    "iam-policy": frozenset({"out", "capabilities", "cluster_arn"}),
    "nginx": frozenset({"file", "out", "strategy", "node", "ports"}),
    "task-definition": _PARTS | {"sidecar"},
    "terraform": _PARTS | {"strategy", "ports"},
    "compose": _PARTS | {"fairlead_image", "publish"},
    "pod": frozenset({"file", "out", "image", "copy", "fairlead_image", "publish"}),
    "cloudwatch-dashboard": frozenset({"file", "out", "region", "cloudformation"}),
    "github-workflow": frozenset({"file", "out", "region", "sync"}),
}
_EACH: dict[str, Any] = {"metavar": "SERVICE=VALUE", "multiple": True}


@click.command("export")
@click.argument("what", type=click.Choice(tuple(_OPTIONS)))
@click.option("--out", type=click.Path(path_type=Path), help="Write there, not to the terminal.")
@click.option(
    "--strategy",
    type=click.Choice(("dynamic", "alb", "fixed")),
    default="dynamic",
    show_default=True,
    help="Which way of scaling it is for (nginx, terraform).",
)
@click.option("--image", help="A service's image, where the settings do not say it.", **_EACH)
@click.option("--port", help="The port inside its container.", **_EACH)
@click.option("--memory", help="Its memory in MiB.", **_EACH)
@click.option("--cpu", help="Its CPU in 1/1024 of a core.", **_EACH)
@click.option(
    "--ports",
    help="Its host ports (8083,8086), or the first of its copies' (strategy fixed).",
    **_EACH,
)
@click.option("--node", metavar="ADDRESS", multiple=True, help="A node's address (nginx).")
@click.option("--sidecar", default="", metavar="IMAGE", help="Add fairlead's drain sidecar.")
@click.option(
    "--fairlead-image",
    default="fairlead",
    show_default=True,
    metavar="IMAGE",
    help="The image of deploy/Dockerfile (compose, pod).",
)
@click.option(
    "--publish",
    type=click.IntRange(1, 65535),
    default=80,
    show_default=True,
    help="The machine's port that clients ask (compose, pod).",
)
@click.option(
    "--copy",
    metavar="PATH",
    multiple=True,
    help="Files of the service's image; the first is the settings' directory (pod).",
)
@click.option("--region", default="", help="AWS region, where the settings do not say it.")
@click.option("--cloudformation", is_flag=True, help="As a CloudFormation template (dashboard).")
@click.option("--sync", is_flag=True, help="Run fairlead sync on the nodes (workflow).")
@click.option(
    "--with",
    "capabilities",
    type=click.Choice(CAPABILITIES),
    multiple=True,
    help="What the policy is to allow beside reading; may be given more than once.",
)
@click.option("--cluster-arn", default="", metavar="ARN", help="Allow it for this cluster only.")
@file_option
@click.pass_context
def command(context: click.Context, /, place: Place, what: str, **options: Any) -> None:
    """Print what a strategy needs, as files of other tools.

    \b
    iam-policy            the smallest policy with which fairlead can work on ECS
    nginx                 servers and upstreams for an nginx of your own
    task-definition       input of aws ecs register-task-definition
    terraform             task definitions, services, security groups, load balancer
    compose               copies on one machine, with fairlead in front
    pod                   several copies and their nginx in one container
    cloudwatch-dashboard  CPU and memory of nodes and services
    github-workflow       scale by hand, sync after a deploy
    """
    _refuse_idle(context, what)
    texts = EXPORTS[what](Asked(place, options))
    _give(what, texts, options["out"])


def _refuse_idle(context: click.Context, what: str) -> None:
    """An option that does nothing is a mistake."""
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name == "what" or name in _OPTIONS[what] or source is not ParameterSource.COMMANDLINE:
            continue
        raise BadInput(f"{parameter.opts[-1]} is of no use with {what}")


def _give(what: str, texts: Mapping[str, str], out: Path | None) -> None:
    """One text may go anywhere; several need a directory."""
    if out is None and len(texts) > 1:
        names = ", ".join(texts)
        raise BadInput(f"{what} is several files ({names}): give --out DIRECTORY")
    if out is None:
        click.echo(next(iter(texts.values())), nl=False)
        return
    from fairlead.exports.written import write

    for path in write(texts, out):
        click.echo(f"wrote {path}")
