"""How things are said to people: escaped, rounded, and coloured only where colour is wanted."""

from __future__ import annotations

import os
import time
from typing import IO, TYPE_CHECKING, Any

from fairlead.api.document import EventDoc

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def printable(text: object) -> str:
    """The text with everything that could steer a terminal (controls, bidi marks) escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def shortened(line: str) -> str:
    """A line that begins with a file below the current directory names it as seen from there."""
    try:
        return line.removeprefix(f"{os.getcwd()}/")  # noqa: PTH109 - pathlib costs `--help` 5 ms
    except FileNotFoundError:  # a directory that was removed
        return line


def age(seconds: float) -> str:
    """`42s`, `3m 5s`, `2h 10m`, `4d 3h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def span(seconds: float) -> str:
    """`0.84 ms`, `12.3 ms`, `1.20 s`."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:.1f} ms"


def count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def coloured(stream: IO[Any]) -> bool:
    """A terminal that was not asked to stay plain (no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def painted(text: str, colour: str, stream: IO[Any]) -> str:
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if coloured(stream) else text


def event_line(event: EventDoc, stream: IO[Any]) -> str:
    """`12:03:44  ready      catalog/catalog-7f3a  first check passed`"""
    at = _moment(event["at"])
    subject = "/".join(filter(None, (event["service"], event["endpoint"]))) or "-"
    kind = f"{printable(event['kind']):<13}"
    head = f"{painted(at, 'dim', stream)}  {painted(kind, 'cyan', stream)}"
    return f"{head}  {printable(subject):<28}  {printable(event['message'])}"


def _moment(at: float) -> str:
    """The time of day; with the date when that is not today's."""
    then, today = time.localtime(at), time.localtime()
    same = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S", then)


def console() -> Console:
    """Rich, without its guesses about markup and numbers; lines in a pipe are never cut."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() else 240
    plain = not coloured(sys.stdout)
    return Console(width=width, no_color=plain, highlight=False, markup=False, emoji=False)


def echo(shown: RenderableType) -> None:
    """Print it without the blanks that fill up a table's last column."""
    import click

    out = console()
    with out.capture() as capture:
        out.print(shown)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())
