"""How fast Terraform is read: root modules as people write them, each with a module of its own.

python -m bench.inspect
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.row import Row, show
from fairlead.inspect.read import read
from tests.inspect.terraform_texts import SHOP, SHOP_MODULE

FILES = 2_000
GOAL = 2_000.0
SERVICES = 2  # of each shop


def _write(folder: Path, files: int) -> None:
    for number in range(files // 2):
        shop = folder / f"shop{number}"
        (shop / "service").mkdir(parents=True)
        (shop / "main.tf").write_text(SHOP)
        (shop / "service" / "main.tf").write_text(SHOP_MODULE)


def measure(files: int = FILES) -> list[Row]:
    """CPU time, so that what else runs on the machine does not count."""
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        _write(Path(name), files)
        started = time.process_time()
        setup = read([Path(name)])
        spent = time.process_time() - started
    lost = files // 2 * SERVICES - sum(1 for s in setup.services if setup.task_of(s))
    return [
        Row.at_least("Terraform files read in a minute", GOAL, files / spent * 60, ""),
        Row.at_most("services whose task definition was not found", 0, float(lost), ""),
    ]


if __name__ == "__main__":
    show(measure())
