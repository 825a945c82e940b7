"""Reads a trace, whichever way it is written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from fairlead.backtest.files import chunks, lines, words
from fairlead.backtest.logs import STAMP, log
from fairlead.backtest.rows import numbers, table
from fairlead.core.backtest.trace import Trace, checked
from fairlead.core.errors import BadInput

_SUFFIXES = {".gz", ".bz2", ".tbz2", ".tgz", ".tar", ".csv", ".log", ".txt", ".dat"}
_PLAIN = set("0123456789.eE+- \t\r,;")
_HEAD = 4096


def read(path: Path) -> Trace:
    """BadInput, with the line, for what is no trace."""
    pieces = chunks(path)
    first = next(pieces, "")
    line = first.lstrip()[:_HEAD].split("\n", 1)[0]
    if not line.strip():
        raise BadInput(f"{path} is empty: expected counts, a CSV file or an access log")
    return checked(_read(path, line, chain((first,), pieces)))


def _read(path: Path, line: str, pieces: Iterator[str]) -> Trace:
    name = _name(path)
    if STAMP.search(line):
        return log(path, name, lines(path, pieces))
    if _is_numbers(line):
        return numbers(path, name, words(path, pieces))
    return table(path, name, lines(path, pieces))


def _is_numbers(line: str) -> bool:
    """Numbers alone; two on a line are a time and a count, unless blanks part them."""
    if not set(line) <= _PLAIN:
        return False
    cells = line.replace(",", " ").replace(";", " ").split()
    return len(cells) != 2 or not any(mark in line for mark in ",;\t")


def _name(path: Path) -> str:
    name = path.name
    while (suffix := Path(name).suffix.lower()) in _SUFFIXES:
        name = name[: -len(suffix)]
    return name or path.name
