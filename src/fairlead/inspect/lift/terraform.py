"""Resources of Terraform as a set-up."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.core.setup import Setup, Unknown
from fairlead.inspect.lift.links import Links
from fairlead.inspect.lift.names import records
from fairlead.inspect.lift.network import security_groups, target_groups
from fairlead.inspect.lift.nodes import nodes
from fairlead.inspect.lift.services import services, tasks, unread_tasks
from fairlead.inspect.values import Resource

KINDS = frozenset(
    {
        "aws_ecs_task_definition",
        "aws_ecs_service",
        "aws_ecs_cluster",
        "aws_ecs_cluster_capacity_providers",
        "aws_ecs_capacity_provider",
        "aws_appautoscaling_target",
        "aws_instance",
        "aws_spot_instance_request",
        "aws_launch_template",
        "aws_launch_configuration",
        "aws_autoscaling_group",
        "aws_security_group",
        "aws_default_security_group",
        "aws_security_group_rule",
        "aws_vpc_security_group_ingress_rule",
        "aws_lb_target_group",
        "aws_alb_target_group",
        "aws_lb",
        "aws_alb",
        "aws_elb",
        "aws_cloudfront_distribution",
        "aws_apigatewayv2_domain_name",
        "aws_eip",
        "aws_eip_association",
        "aws_route53_record",
        "cloudflare_record",
        "cloudflare_dns_record",
        "aws_ssm_document",
        "aws_ssm_parameter",
        "aws_s3_object",
        "aws_s3_bucket_object",
        "local_file",
        "null_resource",
        "terraform_data",
    }
)


def lifted(resources: Sequence[Resource], mark: str = "") -> Setup:
    """What they set up; `mark` keeps the keys of one root module apart from those of others."""
    links = Links(resources, mark)
    return Setup(
        tasks(links),
        services(links),
        nodes(links),
        security_groups(links),
        target_groups(links),
        records(links),
        unknown=(*unread_tasks(links), *_unsure(links)),
    )


def _unsure(links: Links) -> tuple[Unknown, ...]:
    """Resources of which it is not known how many there are."""
    counted = ((r, r.settings.get("count")) for r in links.all if r.kind.startswith("aws_ecs_"))
    return tuple(Unknown(r.address, c.unknown, r.at) for r, c in counted if c.unknown)
