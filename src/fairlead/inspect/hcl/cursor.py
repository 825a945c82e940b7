"""A place in a text that is being parsed."""

from __future__ import annotations

import re
from bisect import bisect_right

from fairlead.core.setup import At

MOST_DEPTH = 60  # nested brackets; what is deeper is not parsed
_COMMENT = r"\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z)"
_SPACE = re.compile(rf"(?:[ \t\r\f\ufeff]|{_COMMENT})+", re.DOTALL)
_SPACE_AND_LINES = re.compile(rf"(?:\s|\ufeff|{_COMMENT})+", re.DOTALL)
NAME = re.compile(r"[^\W\d][\w-]*")


class SyntaxFault(Exception):
    """Stops the parsing of one attribute, never that of a file."""

    def __init__(self, at: At, why: str) -> None:
        super().__init__(why)
        self.at, self.why = at, why


class Cursor:
    """`end` bounds what is read; `lines_too`: line breaks are white space here."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text, self.pos, self.end = file, text, 0, len(text)
        self.lines_too = False
        self.depth = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._ats: dict[int, At] = {}

    def at(self, pos: int | None = None) -> At:
        line = bisect_right(self._breaks, (self.pos if pos is None else pos) - 1) + 1
        return self._ats.setdefault(line, At(self.file, line))

    def space(self, *, lines: bool = False) -> None:
        """Skips white space and comments, and line breaks where they mean nothing."""
        pattern = _SPACE_AND_LINES if lines or self.lines_too else _SPACE
        match = pattern.match(self.text, self.pos, self.end)
        self.pos = match.end() if match else self.pos

    def looking_at(self, word: str) -> bool:
        return self.text.startswith(word, self.pos, self.end)

    def take(self, word: str) -> bool:
        self.space()
        if not self.looking_at(word):
            return False
        self.pos += len(word)
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self.fault(f"{word} is missing")

    def match(self, pattern: re.Pattern[str]) -> str:
        """What it matches right here, skipped; empty where it does not."""
        match = pattern.match(self.text, self.pos, self.end)
        if not match:
            return ""
        self.pos = match.end()
        return match.group()

    def name(self) -> str:
        self.space()
        return self.match(NAME)

    def fault(self, why: str) -> SyntaxFault:
        return SyntaxFault(self.at(), why)

    @property
    def over(self) -> bool:
        return self.pos >= self.end
