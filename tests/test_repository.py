"""What must hold for every file of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = [*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci" / "run"]
REQUIREMENTS = [ROOT / "requirements.lock", ROOT / "examples" / "httpbin" / "requirements.txt"]

# In parts, so that this file does not hold what it looks for.
MACHINE = "|".join(
    ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/opt/py" + "pi", "/opt/wh" + "eels")
)
REGISTRY = "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.org",
                     "index" + "-url", "find" + "-links"))  # fmt: skip
FORBIDDEN = re.compile(rf"(?<![\w.~])(?:{MACHINE})|{REGISTRY}")
PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([A-Za-z0-9.]+)(?:; \S.*)?")


def files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name]


def normal(name: str) -> str:
    """The name by which packages are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), f"{path.name}: {[ln for ln, m in zip(lines, found, strict=True) if not m]}"
    return {normal(match[1]): match[2] for match in found if match}


def test_no_file_names_this_machine_or_a_package_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in files()
        if path.is_file()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["cd /wo" + "rk/main", "https://pypi" + ".org/x", "(/ro" + "ot/a)"]
)
def test_the_search_finds(line: str) -> None:
    assert FORBIDDEN.search(line)


def test_the_license_is_there_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    for part in ("Apache License", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS"):
        assert part in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_pinned(path: Path) -> None:
    assert pins(path)


def test_the_lock_agrees_with_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = pins(ROOT / "requirements.lock")
    for requirement in wanted:
        match = PIN.fullmatch(requirement)
        assert match, requirement
        assert locked.get(normal(match[1])) == match[2], requirement
