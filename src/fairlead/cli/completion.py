"""fairlead completion: the script with which a shell completes commands and service names."""

from __future__ import annotations

import os
from pathlib import PurePath

import click

from fairlead.core.errors import BadInput

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def command(shell: str | None) -> None:
    """Print the completion script of a shell.

    Without a name, of the shell that $SHELL names.

    \b
    bash and zsh: eval "$(fairlead completion)"
    fish: fairlead completion fish | source
    """
    from click.shell_completion import get_completion_class

    from fairlead.cli.main import cli

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    completion = get_completion_class(name) if name in SHELLS else None
    if completion is None:
        raise BadInput(f"no completion for {name or 'an unknown shell'}: name {', '.join(SHELLS)}")
    click.echo(completion(cli, {}, "fairlead", "_FAIRLEAD_COMPLETE").source())
