"""How often what `fairlead whatif` foretells is what happens.

    python -m bench.whatif --cases 500 --seed 1

Small clusters by chance are foretold and run: on the local ECS, with a real nginx on every node.
Compared are the tasks that find no place and ECS's words for it, which task answers which share of
the requests of each node and of each DNS answer, what a lost task or node does before and after ECS
has replaced it, and whether a deploy comes to its end and how few tasks are up meanwhile.
With --kept the proxy is that of a whole fairlead.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.whatif_cases import random_model
from tests.integration.whatif_ground import differences
from tests.integration.whatif_kept import differences_kept


async def case(seed: int, *, kept: bool) -> list[str]:
    """What is not as it was foretold."""
    chance = random.Random(seed)
    model = random_model(chance, kept=kept)
    with tempfile.TemporaryDirectory(prefix="fairlead-whatif-") as folder:
        look = differences_kept if kept else differences
        return await look(model, Path(folder), chance)


def run(cases: int, first: int, *, kept: bool) -> bool:
    wrong, began = 0, time.monotonic()
    for seed in range(first, first + cases):
        if found := asyncio.run(case(seed, kept=kept)):
            wrong += 1
            print(f"seed {seed}", *found, sep="\n  ", flush=True)
    seconds = time.monotonic() - began
    print(f"{cases - wrong} of {cases} clusters went as foretold, in {seconds:.0f} s")
    return not wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bench.whatif", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", action="store_true", help="proxies that a whole fairlead keeps")
    given = parser.parse_args()
    os.environ["PATH"] = f"{os.environ['PATH']}:/usr/sbin"
    sys.exit(0 if run(given.cases, given.seed, kept=given.kept) else 1)
