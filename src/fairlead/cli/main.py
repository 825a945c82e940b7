"""The command line: finds the command, and turns every error into one line and an exit status.

0 done, 1 failed, 2 bad input, 130 interrupted. A command lives in the module of its name, which is
imported when the command is used (or listed), and imports nothing heavy itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from fairlead.cli.text import printable, shortened
from fairlead.core.errors import FairleadError

COMMANDS = (
    "up",
    "down",
    "status",
    "scale",
    "drain",
    "restart",
    "apply",
    "events",
    "logs",
    "check",
    "verify",
    "sync",
    "dns",
    "controller",
    "agent",
    "rehearse",
    "hook",
    "export",
    "doctor",
    "backtest",
    "whatif",
    "cost",
    "advise",
    "completion",
)
INTERRUPTED = 130


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"fairlead.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0][0:1].isalnum() and args[0] not in COMMANDS:
            raise click.UsageError(_unknown(args[0]), ctx)
        return super().resolve_command(ctx, args)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, 1)
    return f"no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"fairlead {version('fairlead')}")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Horizontal scaling for small clusters, without a load balancer bill."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit the process with its status."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    try:
        status = cli.main(arguments, prog_name="fairlead", standalone_mode=False)
        sys.stdout.flush()
    except FairleadError as error:
        return _fail(str(error), error.exit_status)
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _lost_reader()
    except Exception as error:  # noqa: BLE001 - the last stop: people get a line, no traceback
        return _fault(error)
    return int(status or 0)


def _fail(message: str, status: int) -> int:
    for line in message.splitlines() or [""]:
        click.echo(f"fairlead: {printable(shortened(line))}", err=True)
    return status


def _usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    return _fail(_with_hint(error), error.exit_code)


def _with_hint(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split()).removesuffix(".")
    context = getattr(error, "ctx", None)
    return f"{message} (see: {context.command_path} --help)" if context else message


def _lost_reader() -> int:
    """Whoever read our output is gone: what is left of it goes nowhere, in silence."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _fault(error: Exception) -> int:
    if os.environ.get("FAIRLEAD_DEBUG"):
        raise error
    kind = type(error).__name__
    return _fail(f"failed inside: {kind}: {error} (FAIRLEAD_DEBUG=1 shows where)", 1)
