"""fairlead doctor: what of a set-up hurts once a service has two copies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.text import printable
from fairlead.core.doctor.finding import KINDS
from fairlead.core.errors import BadInput

if TYPE_CHECKING:
    from fairlead.core.doctor.finding import Report
    from fairlead.core.setup import Setup


@click.command("doctor")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Only these.  [all]")
@click.option("--diff", is_flag=True, help="Show the patches of what can be mended mechanically.")
@click.option("--fix", is_flag=True, help="Write these patches, then look again.")
@click.option("--json", "as_json", is_flag=True, help="Print findings and unknowns as JSON.")
@click.option("--sarif", is_flag=True, help="Print the findings as SARIF 2.1.0.")
def command(
    paths: tuple[Path, ...],
    kind: tuple[str, ...],
    diff: bool,
    fix: bool,
    as_json: bool,
    sarif: bool,
) -> int:
    """Say what hurts once a service has two copies.

    PATHS are files and directories: Terraform, ECS and CloudFormation templates, Compose, nginx,
    scripts, workflows. ecs:CLUSTER, or ecs:REGION/CLUSTER, is a cluster that runs: it is asked, and
    only read. A comment `fairlead:ignore KIND REASON`, or a file
    .fairlead-ignore, says that something is meant to be so. Exit status 1 when errors are found.
    """
    if as_json and sarif:
        raise BadInput("--json and --sarif both write to the output: give one of them")
    kinds = kind or KINDS
    setup, report = _look(paths, kinds)
    if diff:
        _show_patches(setup, report, err=as_json or sarif)
    if fix and _write(setup, report):
        setup, report = _look(paths, kinds)
    _show(setup, report, as_json, sarif)
    return int(report.failed)


def _look(paths: Sequence[Path], kinds: Sequence[str]) -> tuple[Setup, Report]:
    from fairlead.core.doctor.examine import examine
    from fairlead.inspect.source import look
    from fairlead.inspect.suppress import in_comments, in_files, sifted

    setup = look(paths)
    if not (setup.texts or setup.services):
        named = ", ".join(str(path) for path in paths)
        raise BadInput(f"{named}: nothing there that fairlead reads (Terraform, nginx, ...)")
    report = examine(setup, kinds)
    files = [path for path in paths if path.exists()]
    found = sifted(report.findings, [*in_comments(setup.texts), *in_files(files)], kinds)
    for line in found.told:
        _tell(line)
    return setup, replace(report, findings=found.kept)


def _show(setup: Setup, report: Report, as_json: bool, sarif: bool) -> None:
    from fairlead.cli.doctor_view import document, show

    if as_json:
        click.echo(json.dumps(document(report)))
    elif sarif:
        from fairlead.cli.sarif import sarif as written

        click.echo(json.dumps(written(report)))
    else:
        show(report, len(setup.texts))


def _show_patches(setup: Setup, report: Report, *, err: bool) -> None:
    from fairlead.inspect.patches import difference, patched

    for file, lines in sorted(patched(setup, report.findings).items()):
        for line in difference(file, setup.texts[file], lines).split("\n"):
            click.echo(printable(line), err=err)


def _write(setup: Setup, report: Report) -> bool:
    """Whether anything was written. BadInput for a file that is another than the one read."""
    from fairlead.inspect.patches import patched, write

    made = patched(setup, report.findings)
    for file, lines in sorted(made.items()):
        write(file, setup.texts[file], lines)
        _tell(f"{file} changed")
    return bool(made)


def _tell(text: str) -> None:
    click.echo(f"fairlead: {printable(text)}", err=True)
