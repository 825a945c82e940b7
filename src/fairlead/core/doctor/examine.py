"""All rules over one set-up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fairlead.core.doctor.capacity_rules import eni_limit, memory_fit
from fairlead.core.doctor.count_rules import desired_count_drift
from fairlead.core.doctor.deploy_rules import deploy_downtime, no_health_check, stop_timeout
from fairlead.core.doctor.dns_rules import dns_single_target, dns_ttl
from fairlead.core.doctor.finding import (
    KINDS,
    SEVERITIES,
    Finding,
    Report,
    Rule,
    evidence_at,
    numbered,
)
from fairlead.core.doctor.network_rules import security_group_ports, target_group_type
from fairlead.core.doctor.port_rules import fixed_host_port, port_collision
from fairlead.core.doctor.proxy_rules import cross_node_proxy, proxy_single_upstream
from fairlead.core.doctor.state_rules import local_state
from fairlead.core.setup import Setup, Unknown

RULES: dict[str, Rule] = {
    "fixed-host-port": fixed_host_port,
    "dns-single-target": dns_single_target,
    "proxy-single-upstream": proxy_single_upstream,
    "security-group-ports": security_group_ports,
    "no-health-check": no_health_check,
    "deploy-downtime": deploy_downtime,
    "dns-ttl": dns_ttl,
    "stop-timeout": stop_timeout,
    "memory-fit": memory_fit,
    "desired-count-drift": desired_count_drift,
    "local-state": local_state,
    "port-collision": port_collision,
    "target-group-type": target_group_type,
    "eni-limit": eni_limit,
    "cross-node-proxy": cross_node_proxy,
}


def examine(setup: Setup, kinds: Collection[str] = KINDS) -> Report:
    """What the rules of these kinds say of it; errors first, then by place."""
    said = [each for kind in KINDS if kind in kinds for each in RULES[kind](setup)]
    found = numbered(each for each in said if isinstance(each, Finding))
    shown = [replace(each, evidence=evidence_at(setup, each.at)) for each in found]
    shown.sort(key=lambda f: (SEVERITIES.index(f.severity), f.at, KINDS.index(f.kind), f.place))
    unknown = [*(each for each in said if isinstance(each, Unknown)), *setup.unknown]
    return Report(tuple(shown), tuple(dict.fromkeys(unknown)))
