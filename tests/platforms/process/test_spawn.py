from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from fairlead.core.errors import PlatformError
from fairlead.core.model import Service
from fairlead.platforms.process.spawn import arguments, environment, spawn
from tests.platforms.ground import python

TELL = """
import json, os, sys
json.dump({"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ),
           "stdin": sys.stdin.read(), "leads": os.getsid(0) == os.getpgrp() == os.getpid(),
           "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))[:-1]}, sys.stdout)
"""
HOSTILE = (
    "a b", "", "'", '"', "$(touch pwned)", "`touch pwned`", "; touch pwned", "new\nline", "*", "~",
    "$HOME", "\\", "--", "|cat", "{ports}", "{{port}}", "{port}/{port}", "Ünïcödé ✓", "\x01\x7f",
)  # fmt: skip


def run(service: Service, tmp_path: Path) -> dict[str, object]:
    with (tmp_path / "out").open("wb") as out:
        pid = spawn(service, "catalog-abc234", 20001, out.fileno())
    assert os.waitpid(pid, 0)[1] == 0
    found: dict[str, object] = json.loads((tmp_path / "out").read_text())
    return found


def test_arguments_go_through_verbatim(tmp_path: Path) -> None:
    told = run(python(TELL, *HOSTILE, cwd=str(tmp_path)), tmp_path)
    assert told["argv"] == [text.replace("{port}", "20001") for text in HOSTILE]
    assert not (tmp_path / "pwned").exists()


def test_a_process_gets_its_place_and_nothing_of_ours(tmp_path: Path) -> None:
    held = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(held, True)
    told = run(python(TELL, cwd=str(tmp_path), env=(("MODE", "a=b c"), ("PORT", "1"))), tmp_path)
    os.close(held)
    assert told["cwd"] == str(tmp_path)
    assert told["leads"] is True
    assert told["stdin"] == ""
    assert told["descriptors"] == [0, 1, 2]
    env = told["env"]
    assert isinstance(env, dict)
    ours = {"PORT": "20001", "FAIRLEAD_ENDPOINT": "catalog-abc234", "FAIRLEAD_SERVICE": "catalog"}
    assert {**env, **ours, "MODE": "a=b c", "PATH": os.environ["PATH"]} == env


def test_the_port_is_filled_in_everywhere() -> None:
    service = Service("a", run=("x", "{port}", "--bind=0:{port}", "{PORT}", "port"))
    assert arguments(service, 7) == ["x", "7", "--bind=0:7", "{PORT}", "port"]


def test_the_service_overrides_what_is_inherited_but_not_what_is_ours() -> None:
    service = Service("a", env=(("A", "2"), ("FAIRLEAD_ENDPOINT", "fake")))
    found = environment({"A": "1", "B": "1"}, service, "a-1", 7)
    assert found["A"] == "2"
    assert found["B"] == "1"
    assert found["FAIRLEAD_ENDPOINT"] == "a-1"


def refused(service: Service) -> str:
    with pytest.raises(PlatformError) as caught:
        spawn(service, "a-1", 7, 2)
    return str(caught.value)


def test_what_cannot_be_run_is_named(tmp_path: Path) -> None:
    plain, script = tmp_path / "plain", tmp_path / "script"
    plain.write_text("text")
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert "'no-such-thing' not found" in refused(Service("a", run=("no-such-thing",)))
    assert "not executable" in refused(Service("a", run=(str(plain),)))
    assert f"'{script}'" in refused(Service("a", run=(str(script),)))
    assert "'x\\x00y' cannot be started" in refused(Service("a", run=("x\0y",)))
    missing = str(tmp_path / "missing")
    assert f"{missing!r} does not exist" in refused(Service("a", run=("true",), cwd=missing))
    plainly = refused(Service("a", run=(sys.executable, "x" * 4_000_000)))
    assert "too long" in plainly


def test_a_relative_command_is_sought_in_its_directory(tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    pid = spawn(Service("a", run=("./app",), cwd=str(tmp_path)), "a-1", 7, 2)
    assert os.waitpid(pid, 0)[1] == 0
