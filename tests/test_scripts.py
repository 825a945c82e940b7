"""The scripts, in a copy of the repository's skeleton with stand-ins for what they start."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LUA = Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")


def script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def run(*command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("exits", "status"),
    [
        ((0, 0, 0, 0, 0), 0),
        ((1, 0, 0, 0, 0), 1),
        ((0, 1, 0, 0, 0), 1),
        ((0, 0, 3, 0, 0), 1),
        ((0, 0, 0, 4, 0), 1),
        ((0, 0, 0, 0, 5), 1),
        ((2, 2, 2, 2, 2), 1),
    ],
)
def test_ci_runs_all_and_fails_with_each(
    tmp_path: Path, exits: tuple[int, ...], status: int
) -> None:
    scripts = ["lint", "image", "vpc", "scaling", "test"]
    for name, code in zip(scripts, exits, strict=True):
        script(tmp_path / "scripts" / name, f"echo {name} $CI; cat; exit {code}")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    ended = run(tmp_path / ".ci" / "run")
    assert ended.stdout.split("\n") == [*(f"{name} true" for name in scripts), ""]
    assert ended.returncode == status


def test_demo_refuses_what_it_does_not_know() -> None:
    ended = run(ROOT / "scripts" / "demo", "--cii")
    assert ended.returncode == 2
    assert "Usage: scripts/demo [--ci | --down]" in ended.stderr


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """A repository whose .venv holds a python that only notes how it was called."""
    if not LUA.exists() or not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        pytest.skip("without nginx and its Lua module, setup would install them")
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    script(tmp_path / ".venv" / "bin" / "python", f'echo "$*" >>"{tmp_path}/calls"')
    script(tmp_path / ".venv" / "bin" / "pip", f"# {tmp_path}/.venv")
    return tmp_path


def installs(skeleton: Path) -> list[str]:
    return [line for line in (skeleton / "calls").read_text().splitlines() if "install" in line]


def test_setup_installs_once_and_again_after_a_change(skeleton: Path) -> None:
    for _ in range(2):
        assert run(skeleton / "scripts" / "setup").returncode == 0
    assert len(installs(skeleton)) == 1
    assert installs(skeleton)[0].endswith("--no-deps -r requirements.lock -e .")
    with (skeleton / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert run(skeleton / "scripts" / "setup").returncode == 0
    assert len(installs(skeleton)) == 2


def test_setup_that_failed_is_not_taken_for_done(skeleton: Path) -> None:
    script(skeleton / ".venv" / "bin" / "python", '[[ "$*" != *install* ]]')
    for _ in range(2):
        ended = run(skeleton / "scripts" / "setup")
        assert ended.returncode == 1
        assert "installing Python packages" in ended.stderr
