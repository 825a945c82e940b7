"""Access logs: requests counted by the second that their lines name.

Common and combined are Apache's (httpd, mod_log_config) and nginx's own format (log module);
fairlead's nginx writes combined.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from fairlead.core.backtest.trace import DAY, LONGEST, Trace
from fairlead.core.errors import BadInput

STAMP = re.compile(r"\[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]")
MOST_UNREAD = 0.5
"""Share of the lines that may be none of a log."""


def log(path: Path, name: str, lines: Iterator[str]) -> Trace:
    """nginx writes a line when the request ends, so that lines need not be in order."""
    counts, skipped = _counted(lines)
    if not counts or skipped > MOST_UNREAD * (sum(counts.values()) + skipped):
        raise BadInput(
            f"{path}: {skipped:,} lines are none of an access log (common or combined, with"
            " [25/Nov/2026:12:00:00 +0000])"
        )
    first, last = min(counts), max(counts)
    if last - first >= LONGEST:
        raise BadInput(f"{path} spans {(last - first) / DAY:,.0f} days: at most {LONGEST // DAY}")
    seconds = array("d", bytes(8 * (last - first + 1)))
    for second, count in counts.items():
        seconds[second - first] = count
    return Trace(name, seconds, 1, float(first), skipped=skipped)


def _counted(lines: Iterator[str]) -> tuple[dict[int, int], int]:
    """Requests of each second (since 1970), and the lines that have no time."""
    counts: dict[int, int] = {}
    known: dict[str, int | None] = {}
    skipped = 0
    for line in lines:
        found = STAMP.search(line)
        second = _second(found[1], known) if found else None
        if second is not None:
            counts[second] = counts.get(second, 0) + 1
        elif line.strip():
            skipped += 1
    return counts, skipped


def _second(stamp: str, known: dict[str, int | None]) -> int | None:
    """Lines of one second come together: each is worked out once."""
    if stamp not in known:
        if len(known) > 4096:
            known.clear()
        known[stamp] = _parsed(stamp)
    return known[stamp]


def _parsed(stamp: str) -> int | None:
    try:
        return int(datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").timestamp())
    except (ValueError, OverflowError):
        return None
