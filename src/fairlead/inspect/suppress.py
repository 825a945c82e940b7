"""What a set-up says is meant to be so: comments, and the file `.fairlead-ignore`.

A comment stands on the finding's line, on one of those that led to it, or on the line above. A line
of the file is a kind (or `*`), a path with wildcards, and the reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from fairlead.core.doctor.finding import KINDS, Finding
from fairlead.core.setup import At

FILE = ".fairlead-ignore"
_COMMENT = re.compile(r"(?:#|//|<!--|/\*|;)\s*fairlead:ignore\b\s*([\w-]*)\s*(.*)")
_END = re.compile(r"\s*(-->|\*/)\s*$")


@dataclass(frozen=True, slots=True)
class Suppression:
    """`path` has wildcards, where it came from the file; empty in a comment."""

    kind: str
    reason: str
    at: At
    path: str = ""

    def covers(self, finding: Finding) -> bool:
        if self.kind not in (finding.kind, "*"):
            return False
        if self.path:
            return _under(finding.at.file, self.path)
        near = (finding.at, *finding.origin)
        return any(at.file == self.at.file and at.line - self.at.line in (0, 1) for at in near)

    @property
    def fault(self) -> str:
        """Why it cannot count; empty for one that can."""
        if self.kind not in (*KINDS, "*"):
            return f"{self.at}: fairlead knows no kind {self.kind!r} to ignore"
        if not self.reason:
            return f"{self.at}: say why {self.kind} is to be ignored: without a reason it is not"
        return ""


def _under(file: str, pattern: str) -> bool:
    """As the user named the file, or any end of it."""
    plain = file.removeprefix("./")
    parts = plain.split("/")
    ends = ("/".join(parts[index:]) for index in range(len(parts)))
    return any(fnmatchcase(end, pattern.removeprefix("./")) for end in ends)


def in_comments(texts: Mapping[str, Sequence[str]]) -> Iterator[Suppression]:
    for file, lines in texts.items():
        for number, line in enumerate(lines, 1):
            if "fairlead:ignore" in line and (found := _COMMENT.search(line)):
                yield Suppression(found[1], _END.sub("", found[2]).strip(), At(file, number))


def in_files(paths: Iterable[Path]) -> Iterator[Suppression]:
    """Of the directories given, those of the files given, and the current one."""
    folders = dict.fromkeys([path if path.is_dir() else path.parent for path in paths])
    read = dict.fromkeys((folder / FILE).resolve() for folder in (*folders, Path()))
    for path in read:
        if path.is_file():
            yield from _lines(path)


def _lines(path: Path) -> Iterator[Suppression]:
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=2)
        if words and not words[0].startswith("#"):
            kind, where, reason = (*words, "", "")[:3]
            yield Suppression(kind, reason, At(FILE, number), where or "*")


@dataclass(frozen=True, slots=True)
class Sifted:
    """`told` are sentences: of suppressions that count for nothing, and why."""

    kept: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, Suppression], ...]
    told: tuple[str, ...]


def sifted(
    findings: Iterable[Finding],
    suppressions: Iterable[Suppression],
    kinds: Collection[str] = KINDS,
) -> Sifted:
    """`kinds` are those that were looked for: what is to ignore others is not called unused."""
    every = list(suppressions)
    good = [each for each in every if not each.fault]
    kept, ignored = [], []
    for finding in findings:
        by = next((each for each in good if each.covers(finding)), None)
        if by is None:
            kept.append(finding)
        else:
            ignored.append((finding, by))
    used = {by for _, by in ignored}
    told = [each.fault for each in every if each.fault]
    told += [
        f"{each.at}: nothing of kind {each.kind} is found here any more: remove this"
        for each in good
        if each not in used and (each.kind in kinds or each.kind == "*")
    ]
    return Sifted(tuple(kept), tuple(ignored), tuple(told))
