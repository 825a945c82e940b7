"""Everything that README promises in numbers, goal and measured side by side, in one run.

scripts/bench [--quick] [--json FILE] [--readme] [--traces DIR] [PART…]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import (
    autoscaling,
    change_cost,
    docker,
    ecs,
    ecs_size,
    fleet,
    footprint,
    idle,
    inspect,
    live,
    plain,
    proxy_throughput,
    sidecar,
    step,
)
from bench.row import Row, table

Part = Callable[[bool], list[Row]]
PARTS: dict[str, Part] = {
    "live": lambda quick: live.measure(10 if quick else 60),
    "throughput": lambda quick: proxy_throughput.measure(quick=quick),
    "change": lambda _: change_cost.measure(),
    "footprint": lambda quick: footprint.measure(10 if quick else 60),
    "docker": lambda quick: docker.measure(10 if quick else 20),
    "ecs": lambda quick: ecs.measure(4, 20) if quick else ecs.measure(),
    "ecs-size": lambda quick: ecs_size.measure(20 if quick else 60),
    "plain": lambda quick: plain.measure(20 if quick else 60),
    "fleet": lambda quick: fleet.measure(200 if quick else 1000),
    "sidecar": lambda quick: sidecar.measure(4 if quick else 20),
    "step": lambda quick: step.measure(60, 90) if quick else step.measure(),
    "inspect": lambda quick: inspect.measure(200 if quick else 2000),
    "idle": lambda quick: idle.measure(quick=quick),
    "autoscaling": lambda quick: autoscaling.measure(quick=quick),
}


_PART = re.compile(r"<!-- ([a-z-]+) -->\n(.*?)(?=\n\n<!-- |\n?\Z)", re.DOTALL)


def _machine() -> str:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release().split('-')[0]}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all, unless named")
    parser.add_argument("--quick", action="store_true", help="shorter runs, noisier numbers")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--traces", type=Path, help="of autoscaling: a folder of request traces")
    return parser.parse_args()


def into_readme(readme: str, measured: dict[str, str]) -> str:
    """README with the tables of these parts in their places; the others stay as they were."""
    before, begin, rest = readme.partition("between these lines -->\n")
    block, end, after = rest.partition("<!-- /bench -->")
    kept = dict(_PART.findall(block))
    tables = {name: text for name in PARTS if (text := measured.get(name) or kept.get(name))}
    whole = "\n\n".join(f"<!-- {name} -->\n{text}" for name, text in tables.items())
    return f"{before}{begin}{whole}\n{end}{after}"


def main() -> int:
    given = _arguments()
    if given.traces:
        os.environ["FAIRLEAD_TRACES"] = str(given.traces)
    today, machine = dt.datetime.now(tz=dt.UTC).date().isoformat(), _machine()
    rows, texts = [], {}
    for name in given.parts or PARTS:
        of_part = PARTS[name](given.quick)
        rows += of_part
        texts[name] = f"{name}, {today}, {machine}:\n\n{table(of_part)}"
        print(texts[name], end="\n\n", flush=True)
    if given.readme:
        readme = Path(__file__).parent.parent / "README.md"
        readme.write_text(into_readme(readme.read_text(), texts))
    if given.json:
        document = {"date": today, "machine": machine, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0 if all(row.ok is not False for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
