"""fairlead export: what other tools need to know of fairlead, in their own form."""

from __future__ import annotations

import json

import click

CAPABILITIES = ("scaling", "events", "dns", "lease")


@click.command("export")
@click.argument("what", type=click.Choice(("iam-policy",)))
@click.option(
    "--with",
    "capabilities",
    type=click.Choice(CAPABILITIES),
    multiple=True,
    help="What it is to allow beside reading; may be given more than once.",
)
@click.option("--cluster-arn", default="", metavar="ARN", help="Allow it for this cluster only.")
def command(what: str, capabilities: tuple[str, ...], cluster_arn: str) -> None:  # noqa: ARG001
    """Print the smallest IAM policy with which fairlead can work on ECS.

    \b
    --with scaling: change counts, choose who goes, mark drains
    --with events: read an SQS queue of task state changes (ecs.queue)
    --with dns: change records in Route 53
    --with lease: agree with other controllers by a DynamoDB table (controller.lease)
    """
    from fairlead.platforms.ecs.policy import policy

    click.echo(json.dumps(policy(capabilities, cluster_arn), indent=2))
