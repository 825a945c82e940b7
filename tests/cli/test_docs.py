"""docs/cli.md says all that the command line can do, and nothing that it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from fairlead.cli.main import COMMANDS, cli

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
HEADING = re.compile(r"^## fairlead (\S+)$", re.MULTILINE)


def section(name: str) -> str:
    parts = HEADING.split(PAGE.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))[name]


def parameters(name: str) -> list[click.Parameter]:
    command = cli.get_command(click.Context(cli), name)
    assert command
    return command.params


def test_every_command_has_its_section_in_order() -> None:
    assert tuple(HEADING.findall(PAGE.read_text(encoding="utf-8"))) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    rows = re.findall(r"^\| (.+?) \|", section(name), re.MULTILINE)
    described = {option for row in rows for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row)}
    options = {o for p in parameters(name) if isinstance(p, click.Option) for o in p.opts}
    assert described == options - {"-f", "--file"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_line_is_the_commands_own(name: str) -> None:
    usage = re.search(r"`fairlead ([^`]+)`", section(name))
    assert usage
    for parameter in parameters(name):
        if isinstance(parameter, click.Argument):
            assert parameter.make_metavar(click.Context(click.Command("x"))) in usage[1]
        elif parameter.name != "file":
            assert parameter.opts[0] in usage[1] or parameter.opts[-1] in usage[1]


def test_the_file_option_and_exit_statuses_are_described() -> None:
    head = HEADING.split(PAGE.read_text(encoding="utf-8"))[0]
    for word in ("-f, --file", "FAIRLEAD_FILE", "FAIRLEAD_STATE", "FAIRLEAD_DEBUG", "NO_COLOR"):
        assert word in head
    for status in ("| 0 |", "| 1 |", "| 2 |", "| 130 |"):
        assert status in head
