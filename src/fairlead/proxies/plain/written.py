"""The text of the file that fairlead writes, and what can be read back from it.

Beside nginx's directives it holds, in comments, the generation, the reloads so far, and the tables
as JSON: so there is one file, replaced whole, and nothing else to get lost or to disagree with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from fairlead.core.model import RoutingTable, ServiceTable
from fairlead.proxies.plain.config import CONFIRM_PATH, GENERATION

_TITLE = "# Written by fairlead: what is changed here by hand is lost."
_COUNTS = re.compile(r"^# generation (\d{1,18}), reloads (\d{1,18})$", re.MULTILINE)
_TOLD = re.compile(rf'(location = {re.escape(CONFIRM_PATH)} {{ return 200 ")\d+ ')
_TABLES = "#= "
_LONGEST = 900
"""Characters of a comment line: nginx takes no line of more than 4,096 bytes."""

_decoder = msgspec.json.Decoder(list[ServiceTable])


@dataclass(frozen=True, slots=True)
class Written:
    """`directives` have GENERATION in place of the number; empty where nothing was written yet."""

    generation: int = 0
    reloads: int = 0
    directives: str = ""
    tables: RoutingTable = field(default_factory=dict)

    @property
    def text(self) -> str:
        counts = f"# generation {self.generation}, reloads {self.reloads}"
        directives = self.directives.replace(GENERATION, str(self.generation))
        return "\n".join([_TITLE, counts, *_comments(self.tables.values()), directives])


def parse(text: str) -> Written:
    """Nothing is known of a file that fairlead has not written, or that is damaged."""
    counts = _COUNTS.search(text)
    lines = text.split("\n")
    try:
        tables = _decoder.decode("".join(line[3:] for line in lines if line.startswith(_TABLES)))
    except (msgspec.DecodeError, UnicodeEncodeError):
        tables = None
    if counts is None or tables is None:
        return Written()
    directives = "\n".join(line for line in lines if not line.startswith("#"))
    return Written(
        int(counts[1]),
        int(counts[2]),
        _TOLD.sub(rf"\g<1>{GENERATION} ", directives),
        {table.service: table for table in tables},
    )


def _comments(tables: Iterable[ServiceTable]) -> Iterator[str]:
    """JSON has its control characters escaped, so no line of it can end the comment."""
    ordered = sorted(tables, key=lambda table: table.service)
    text = msgspec.json.encode(ordered).decode()
    for begin in range(0, len(text), _LONGEST):
        yield _TABLES + text[begin : begin + _LONGEST]
