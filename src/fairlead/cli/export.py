"""fairlead export: what other tools need to know of fairlead, in their own form."""

from __future__ import annotations

import json

import click

CAPABILITIES = ("scaling", "events", "dns")


@click.group("export")
def command() -> None:
    """Print what other tools need, in their own form."""


@command.command("iam-policy")
@click.option(
    "--with",
    "capabilities",
    type=click.Choice(CAPABILITIES),
    multiple=True,
    help="What it is to allow beside reading; may be given more than once.",
)
@click.option("--cluster-arn", default="", metavar="ARN", help="Allow it for this cluster only.")
def iam_policy(capabilities: tuple[str, ...], cluster_arn: str) -> None:
    """Print the smallest IAM policy with which fairlead can work on ECS.

    \b
    scaling: change counts, choose who goes, mark drains
    events: read an SQS queue of task state changes (ecs.queue)
    dns: change records in Route 53
    """
    from fairlead.platforms.ecs.policy import policy

    click.echo(json.dumps(policy(capabilities, cluster_arn), indent=2))
