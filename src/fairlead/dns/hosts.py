"""The syntax of hosts files, hosts(5). TTLs and owners have no place there: comments hold them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from fairlead.core.dns import Record, kind_of

_OWNER = re.compile(r"# owner (\S+) ttl (\d{1,10}) (\S+)")
_TTL = re.compile(r"# ttl (\d{1,10})$")


class HostsSyntax:
    """Implements files.Syntax."""

    comment = "#"

    def parse(self, lines: Iterable[str]) -> Iterator[Record]:
        for line in lines:
            if owner := _OWNER.fullmatch(line.strip()):
                yield Record(owner[1], "TXT", (owner[3],), int(owner[2]))
            else:
                yield from _addresses(line)

    def write(self, record: Record) -> Iterator[str]:
        for value in record.values:
            if record.kind == "TXT":
                yield f"# owner {record.name} ttl {record.ttl} {value}"
            else:
                yield f"{value} {record.name} # ttl {record.ttl}"

    def refuse(self, record: Record) -> str:  # noqa: ARG002
        return ""

    def renew(self, lines: Sequence[str]) -> tuple[str, ...]:
        return tuple(lines)


def _addresses(line: str) -> Iterator[Record]:
    words = line.partition("#")[0].split()
    kind = kind_of(words[0]) if words else ""
    if kind:
        ttl = _TTL.search(line.rstrip())
        for name in words[1:]:
            plain = name.lower().rstrip(".")
            yield Record(plain, kind, (words[0],), int(ttl[1]) if ttl else 0)
