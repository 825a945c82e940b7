"""A GitHub workflow: scale a service by hand, or bring nginx up to date after a deploy.

What a person types reaches the shell as a variable only, never as part of a script.
"""

from __future__ import annotations

from collections.abc import Sequence

import yaml

_HEAD = """\
# Scales a service by hand, and brings each node's nginx up to date after it and after a deploy.
# Needs: the variable AWS_ROLE_ARN, a role that this repository may take by OIDC, which may do
# ecs:UpdateService, ecs:DescribeServices, ssm:SendCommand and ssm:ListCommandInvocations.
"""
_SCALE = """\
aws ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --desired-count "$COUNT" \\
  --query service.desiredCount --output text
aws ecs wait services-stable --cluster "$CLUSTER" --services "$SERVICE"
"""
_SYNC = """\
id=$(aws ssm send-command --document-name AWS-RunShellScript \\
  --targets "Key=tag:fairlead,Values=$CLUSTER" \\
  --parameters 'commands=["fairlead sync -f /etc/fairlead/fairlead.yaml"]' \\
  --query Command.CommandId --output text)
for _ in $(seq 60); do
  states=$(aws ssm list-command-invocations --command-id "$id" \\
    --query 'CommandInvocations[].Status' --output text)
  case "$states" in
    "" | *Pending* | *InProgress* | *Delayed*) sleep 2 ;;
    *Failed* | *TimedOut* | *Cancelled*) echo "fairlead sync failed: $states" >&2; exit 1 ;;
    *) exit 0 ;;
  esac
done
echo "fairlead sync did not end in time" >&2
exit 1
"""
_INPUTS = {"SERVICE": "${{ inputs.service }}", "COUNT": "${{ inputs.count }}"}


def workflow(cluster: str, services: Sequence[str], region: str, *, sync: bool) -> str:
    """`sync`: nodes have no daemon of fairlead, and are told by `fairlead sync`."""
    steps = [_credentials(region), _step("Scale", _SCALE, cluster, _INPUTS)]
    steps += [_step("Bring nginx up to date", _SYNC, cluster, {})] if sync else []
    job = {"runs-on": "ubuntu-latest", "timeout-minutes": 20, "steps": steps}
    document = {
        "name": "Scale a service",
        "on": {
            "workflow_dispatch": {"inputs": _asked(services)},
            "workflow_call": {"inputs": _called()},
        },
        "permissions": {"id-token": "write", "contents": "read"},
        "concurrency": {"group": f"scale-{cluster}", "cancel-in-progress": False},
        "jobs": {"scale": job},
    }
    return _HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120)


def _asked(services: Sequence[str]) -> dict[str, object]:
    choice = {"description": "Which service", "type": "choice", "options": list(services)}
    count = {"description": "How many copies", "type": "number", "default": 2}
    return {"service": {**choice, "required": True}, "count": {**count, "required": True}}


def _called() -> dict[str, object]:
    return {
        "service": {"type": "string", "required": True},
        "count": {"type": "number", "required": True},
    }


def _credentials(region: str) -> dict[str, object]:
    given = {"role-to-assume": "${{ vars.AWS_ROLE_ARN }}", "aws-region": region}
    return {"uses": "aws-actions/configure-aws-credentials@v4", "with": given}


def _step(name: str, script: str, cluster: str, more: dict[str, str]) -> dict[str, object]:
    return {"name": name, "env": {"CLUSTER": cluster, **more}, "run": script}


class _Dumper(yaml.SafeDumper):
    """Scripts as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
