"""The commands against the real daemon, nginx and endpoints: a whole day in one test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground import need_nginx

pytestmark = pytest.mark.integration
FAIRLEAD = [sys.executable, "-c", "from fairlead.cli.main import main; main()"]
SETTINGS = """\
cluster: shop
listen: 127.0.0.1:{port}
services:
  files:
    run: [{python}, -m, http.server, "{{port}}", --bind, 127.0.0.1]
    routes: [files.localhost]
    health: {{path: /}}
"""


def lives(pid: int) -> bool:
    """A process that has ended may wait a moment for its parent's notice."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


class Shop:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        settings = SETTINGS.format(port=port, python=sys.executable)
        (folder / "fairlead.yaml").write_text(settings)

    def run(self, *arguments: str, status: int = 0) -> str:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("FAIRLEAD_")}
        done = subprocess.run(
            [*FAIRLEAD, *arguments],
            cwd=self.folder,
            env=plain,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr


@pytest.fixture
def shop(tmp_path: Path, free_port: int) -> Iterator[Shop]:
    need_nginx()
    shop = Shop(tmp_path, free_port)
    yield shop
    subprocess.run([*FAIRLEAD, "down"], cwd=tmp_path, capture_output=True, check=False)


def test_a_day(shop: Shop) -> None:
    assert "1 service, all fine" in shop.run("check")
    assert "files  1 of 1 ready" in shop.run("up", "--detach")
    assert "already running" in shop.run("up", "--detach", status=1)
    assert "already running" in shop.run("up", status=1)
    assert "all fine" in shop.run("check")
    assert shop.run("scale", "files", "3", "--wait") == "files: 3 ready\n"
    found = json.loads(shop.run("verify", "files", "-n", "60", "--json"))
    assert (found["answered"], found["failed"], len(found["endpoints"])) == (60, 0, 3)
    assert all(endpoint["answers"] for endpoint in found["endpoints"])
    drained = found["endpoints"][0]["id"]
    shop.run("drain", f"files/{drained}")
    assert shop.run("scale", "files", "1", "--wait") == "files: 1 ready\n"
    assert "GET / " in shop.run("logs", "files", "-n", "20")
    assert "scale" in shop.run("events")
    assert shop.run("down") == "all stopped\n"
    assert "no daemon is running" in shop.run("status", status=1)


def test_of_two_that_start_at_once_one_is_refused(shop: Shop) -> None:
    command = [*FAIRLEAD, "up", "--detach"]
    both = [
        subprocess.Popen(command, cwd=shop.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60) for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], told
    assert b"already running" in b"".join(err for _, err in told)


@pytest.mark.parametrize("text", ["services: [", None])
def test_down_needs_no_good_settings_to_stop_what_is_left(shop: Shop, text: str | None) -> None:
    shop.run("up", "--detach")
    document = json.loads(shop.run("status", "--json"))
    pids = [document["proxy"]["pid"], document["services"][0]["endpoints"][0]["pid"]]
    os.kill(int((shop.folder / ".fairlead" / "lock").read_text()), 9)
    file = shop.folder / "fairlead.yaml"
    file.unlink() if text is None else file.write_text(text)
    assert shop.run("down") == "all stopped\n"
    assert not any(lives(pid) for pid in pids)


def test_down_after_the_daemon_was_killed_leaves_nothing(shop: Shop) -> None:
    shop.run("up", "--detach")
    document = json.loads(shop.run("status", "--json"))
    pids = [document["proxy"]["pid"], document["services"][0]["endpoints"][0]["pid"]]
    holder = int((shop.folder / ".fairlead" / "lock").read_text())
    os.kill(holder, 9)
    assert all(lives(pid) for pid in pids)
    shop.run("down")
    assert not any(lives(pid) for pid in pids)
