from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

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


SETTINGS = """
cluster: shop
platform: ecs
services:
  catalog: {service: shop-catalog, routes: [catalog.example.com]}
"""
GIVEN = ("--image", "catalog=c:1", "--port", "catalog=8080", "--memory", "catalog=384")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.mark.parametrize(
    ("arguments", "starts"),
    [
        (("nginx",), "# The upstreams"),
        (("task-definition", *GIVEN), '{\n  "family": "catalog"'),
        (("compose", *GIVEN), "# docker compose up"),
        (("cloudwatch-dashboard", "--region", "eu-west-1"), '{\n  "widgets"'),
        (("github-workflow", "--region", "eu-west-1", "--sync"), "# Scales a service"),
    ],
)
def test_one_file_is_printed(
    arguments: tuple[str, ...], starts: str, file: Path, fairlead: Any
) -> None:
    result = fairlead("export", *arguments, "-f", str(file))
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(starts)
    assert result.out.endswith("\n")


def test_several_files_go_to_a_directory_and_nothing_is_overwritten(
    file: Path, tmp_path: Path, fairlead: Any
) -> None:
    command = ("export", "terraform", "--strategy", "alb", *GIVEN, "-f", str(file))
    refused = fairlead(*command)
    assert refused.status == 2
    assert "give --out DIRECTORY" in refused.err
    made = fairlead(*command, "--out", str(tmp_path / "infra"))
    assert made.status == 0, made.err
    written = sorted(path.name for path in (tmp_path / "infra").iterdir())
    assert written == ["main.tf", "services.auto.tfvars.json", "tasks.tf", "variables.tf"]
    assert fairlead(*command, "--out", str(tmp_path / "infra")).status == 0
    (tmp_path / "infra" / "main.tf").write_text("# mine")
    (tmp_path / "infra" / "variables.tf").unlink()
    refused = fairlead(*command, "--out", str(tmp_path / "infra"))
    assert refused.status == 2
    assert "main.tf is there with another text" in refused.err
    assert not (tmp_path / "infra" / "variables.tf").exists()


def test_ports_are_planned_from_the_first_so_that_no_service_has_anothers(
    tmp_path: Path, fairlead: Any
) -> None:
    """The analysis's own: with a step of three they would run into one another."""
    starts = {"frontend": 8080, "accounts": 8082, "catalog": 8083, "alerts": 8084, "search": 8085}
    services = "".join(
        f"  {name}: {{run: [a], replicas: 3, routes: [{name}.example.com]}}\n" for name in starts
    )
    (tmp_path / "fairlead.yaml").write_text(f"services:\n{services}")
    ports = [word for name, port in starts.items() for word in ("--ports", f"{name}={port}")]
    place = ("--node", "10.0.1.100", "-f", str(tmp_path / "fairlead.yaml"))
    result = fairlead("export", "nginx", "--strategy", "fixed", *ports, *place)
    assert result.status == 0, result.err
    served = re.findall(r"server 10\.0\.1\.100:([0-9]+) ", result.out)
    assert len(served) == len(set(served)) == 15
    assert {str(port) for port in starts.values()} <= set(served)


def test_one_file_may_be_named(file: Path, tmp_path: Path, fairlead: Any) -> None:
    out = tmp_path / "x.conf"
    assert fairlead("export", "nginx", "-f", str(file), "--out", str(out)).status == 0
    assert out.read_text().startswith("# The upstreams")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("terraform",), "give --image catalog=IMAGE --port catalog=PORT --memory catalog=MIB"),
        (("nginx", "--sync"), "--sync is of no use with nginx"),
        (("iam-policy", "--region", "x"), "--region is of no use with iam-policy"),
        (("nginx", "--strategy", "alb"), "nginx has nothing to balance"),
        (("nginx", "--strategy", "fixed"), "catalog: its endpoints are not known"),
        (("cloudwatch-dashboard",), "which region?"),
        (("pod", "--copy", "/app"), "give --image SERVICE=IMAGE once"),
        (("compose", *GIVEN, "--fairlead-image", "x\nRUN y"), "no name of an image"),
        (("terraform", *GIVEN, "--ports", "catalog=80a"), "expected ports with commas between"),
        (("terraform", *GIVEN, "--ports", "catalog=8083,8083"), "two copies share port 8083"),
    ],
)
def test_what_cannot_be_made_is_told(
    arguments: tuple[str, ...], told: str, file: Path, fairlead: Any
) -> None:
    result = fairlead("export", *arguments, "-f", str(file))
    assert result.status == 2
    assert told in result.err
