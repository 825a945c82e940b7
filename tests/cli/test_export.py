from __future__ import annotations

import json
from typing import Any

from fairlead.cli.export import CAPABILITIES as OFFERED
from fairlead.platforms.ecs.policy import CAPABILITIES, policy

ARN = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"


def test_the_policy_is_printed_as_json(fairlead: Any) -> None:
    result = fairlead("export", "iam-policy", "--with", "scaling", "--cluster-arn", ARN)
    assert result.status == 0
    assert json.loads(result.out) == policy(["scaling"], ARN)


def test_every_capability_is_offered(fairlead: Any) -> None:
    assert OFFERED == CAPABILITIES
    chosen = [word for name in OFFERED for word in ("--with", name)]
    assert json.loads(fairlead("export", "iam-policy", *chosen).out) == policy(CAPABILITIES)


def test_what_is_no_arn_is_refused(fairlead: Any) -> None:
    result = fairlead("export", "iam-policy", "--cluster-arn", "shop")
    assert result.status == 2
    assert "arn:aws:ecs" in result.err
