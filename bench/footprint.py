"""What fairlead and its nginx cost at rest, with the shop example running.

python -m bench.footprint [--seconds 60]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from bench.row import Row, show
from fairlead.cli.client import Client
from fairlead.cli.place import Place
from tests.ground import free_port

SHOP = Path(__file__).parent.parent / "examples" / "shop"
PATIENCE = 60.0


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pid: int, key: str) -> float:
    """MiB of `Rss` or `Pss` (pages shared with other processes counted in part)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{key}:"))) / 1024


def cpu(pid: int) -> float:
    """Seconds on a processor, to the nanosecond, of all threads that are there."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


def _wait_ready(client: Client) -> None:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        try:
            if all(s["ready"] == s["desired"] for s in client.status()["services"]):
                return
        except Exception:  # noqa: BLE001 - the daemon is not there yet
            pass
        time.sleep(0.1)
    raise AssertionError("the shop did not get ready")


def _shop(folder: Path) -> Path:
    copy = folder / "shop"
    shutil.copytree(SHOP, copy, ignore=shutil.ignore_patterns(".fairlead", "data", "__pycache__"))
    file = copy / "fairlead.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["listen"] = f"127.0.0.1:{free_port()}"
    file.write_text(yaml.safe_dump(settings))
    return file


def _at_rest(file: Path, seconds: float) -> list[Row]:
    client = Client(Place(file, file.parent / ".fairlead"))
    command = [sys.executable, "-m", "fairlead.daemon", str(file), str(file.parent / ".fairlead")]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    daemon = subprocess.Popen(command, env=environment)
    try:
        _wait_ready(client)
        return _rows(client, daemon.pid, seconds)
    finally:
        daemon.terminate()
        daemon.wait(60)


def _rows(client: Client, pid: int, seconds: float) -> list[Row]:
    for _ in range(100):
        client.status()
    master = client.status()["proxy"]["pid"]
    assert master is not None
    nginx = [master, *_children(master)]
    time.sleep(2)
    before = cpu(pid), sum(map(cpu, nginx))
    time.sleep(seconds)
    spent = cpu(pid) - before[0], sum(map(cpu, nginx)) - before[1]
    pss = sum(memory(p, "Pss") for p in nginx)
    return [
        Row.at_most("daemon, resident, shop running", 45, memory(pid, "Rss"), "MiB"),
        Row.at_most(f"nginx, {len(nginx)} processes, proportional", 15, pss, "MiB"),
        Row.compare(
            "nginx, largest process, resident", max(memory(p, "Rss") for p in nginx), "MiB"
        ),
        Row.at_most(f"daemon, idle CPU over {seconds:.0f} s", 0.5, spent[0] / seconds * 100, "%"),
        Row.compare("nginx, idle CPU", spent[1] / seconds * 100, "%"),
    ]


def _help() -> Row:
    program = Path(sys.executable).parent / "fairlead"
    spans = []
    for _ in range(11):
        started = time.perf_counter()
        subprocess.run([program, "--help"], check=True, capture_output=True)
        spans.append((time.perf_counter() - started) * 1000)
    return Row.at_most("fairlead --help (median of 11)", 150, statistics.median(spans), "ms")


def measure(seconds: float = 60.0) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        return [*_at_rest(_shop(Path(folder)), seconds), _help()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.footprint")
    parser.add_argument("--seconds", type=float, default=60.0, help="of rest")
    show(measure(parser.parse_args().seconds))
