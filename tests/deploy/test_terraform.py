"""The Terraform module: it can be read, is formatted, and asks for what the code uses."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

MODULE = Path(__file__).parents[2] / "deploy/terraform"
FILES = sorted(MODULE.glob("*.tf"))
TEXT = "\n".join(path.read_text() for path in FILES)


def _blocks(kind: str) -> list[dict[str, Any]]:
    found = []
    for path in FILES:
        with path.open() as file:
            found += hcl2.load(file).get(kind, [])  # type: ignore[attr-defined]
    return found


def _names(kind: str) -> set[str]:
    return {name.strip('"') for block in _blocks(kind) for name in block if name != "__is_block__"}


def test_every_file_can_be_read() -> None:
    assert len(FILES) >= 6
    assert _names("resource") >= {"aws_ecs_service", "aws_ecs_task_definition", "aws_sqs_queue"}


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform comes from no package here")
def test_it_is_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/dev/null")
    told = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", MODULE], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_variable_is_described_and_used() -> None:
    for block in _blocks("variable"):
        (name,) = (key for key in block if key != "__is_block__")
        assert block[name]["description"], name
        assert re.search(rf"\bvar\.{name.strip(chr(34))}\b", TEXT), f"{name} is not used"


def test_the_nodes_let_themselves_in_on_the_ephemeral_range_and_nobody_else() -> None:
    network = (MODULE / "network.tf").read_text()
    assert "source_security_group_id = var.nodes_security_group_id" in network
    assert "cidr" not in network


def test_secrets_are_nowhere() -> None:
    assert not re.search(r"AKIA|aws_secret|password", TEXT, re.IGNORECASE)
