"""The set-up of the analysis: the doctor finds all of it, and nothing in the mended one."""

from __future__ import annotations

from pathlib import Path

from fairlead.core.doctor.examine import examine
from fairlead.core.doctor.finding import Report
from fairlead.inspect.read import read

EXAMPLES = Path(__file__).parents[2] / "examples"


def report(name: str) -> Report:
    return examine(read([EXAMPLES / name]))


def test_every_problem_of_the_analysis_is_found() -> None:
    found = {
        (each.kind, each.service, Path(each.at.file).name, each.severity)
        for each in report("one-copy").findings
    }
    both = ("shop-alerts", "shop-catalog")
    assert found >= {("fixed-host-port", name, "main.tf", "error") for name in both}
    assert found >= {("proxy-single-upstream", name, "services.conf", "error") for name in both}
    assert found >= {("cross-node-proxy", name, "services.conf", "error") for name in both}
    assert ("dns-single-target", "", "update-dns.sh", "error") in found
    assert {kind for kind, *_ in found} == {
        "fixed-host-port",
        "proxy-single-upstream",
        "cross-node-proxy",
        "dns-single-target",
        "dns-ttl",
        "no-health-check",
        "desired-count-drift",
    }


def test_the_first_task_is_pointed_at() -> None:
    finding = next(each for each in report("one-copy").findings if "dns-single" in each.kind)
    assert "taskArns[0]" in finding.evidence


def test_the_mended_one_has_no_finding_and_nothing_unknown() -> None:
    assert report("two-copies") == Report()
