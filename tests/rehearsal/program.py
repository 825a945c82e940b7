"""A container that writes down what happens to it: BEGIN, TERM, END."""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

parser = argparse.ArgumentParser()
parser.add_argument("log", type=Path)
parser.add_argument("name")
parser.add_argument("--linger", type=float, default=0.0, help="seconds from SIGTERM to the end")
parser.add_argument("--lives", type=float, default=600.0, help="seconds to the end by itself")
parser.add_argument("--code", type=int, default=0)
parser.add_argument("--deaf", type=int, default=0, help="whether it ignores SIGTERM")
given = parser.parse_args()


def say(word: str) -> None:
    with given.log.open("a") as log:
        log.write(f"{given.name} {word}\n")


def end(_number: int, _frame: FrameType | None) -> None:
    say("TERM")
    if given.deaf:
        return
    time.sleep(given.linger)
    say("END")
    sys.exit(given.code)


signal.signal(signal.SIGTERM, end)
say("BEGIN")
limit = time.monotonic() + given.lives
while time.monotonic() < limit:
    time.sleep(min(0.02, given.lives))
say("END")
sys.exit(given.code)
