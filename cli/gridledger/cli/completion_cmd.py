"""`gridledger completion`: the shell's own completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from gridledger.cli.command import with_output
from gridledger.cli.output import Output

__all__ = ["command"]

_PROGRAM = "gridledger"
_VARIABLE = "_GRIDLEDGER_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@with_output
def command(output: Output, shell: str) -> None:
    """Print the script that makes a shell complete commands and options.

    For bash, in ~/.bashrc: eval "$(gridledger completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    root = click.get_current_context().find_root().command
    output.show(kind(root, {}, _PROGRAM, _VARIABLE).source())
