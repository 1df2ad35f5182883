"""What every command has: `--json`, its Output, and groups that are imported when they are called."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from click.shell_completion import CompletionItem

from gridledger.cli.output import Output

__all__ = ["LazyGroup", "with_output"]

P = ParamSpec("P")
T = TypeVar("T")


def with_output(function: Callable[Concatenate[Output, P], T]) -> Callable[P, T]:
    """Give a command the option `--json`, its Output as first argument, and exit codes for its errors.

    Stands below click's own decorators::

        @group.command()
        @click.argument("name")
        @with_output
        def show(output: Output, name: str) -> None: ...
    """

    @click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_use_json,
        help="Say results and errors as JSON.",
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        output = click.get_current_context().find_object(Output)
        if output is None:
            raise RuntimeError("a command is called through gridledger.cli.main")
        # Imported here, where the command has imported it already: help is to be there at once.
        from gridledger.model.errors import GridLedgerError

        try:
            return function(output, *arguments, **keywords)
        except GridLedgerError as error:
            output.fail(error)
            raise click.exceptions.Exit(error.exit_code) from error

    return called


def _use_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    output = context.find_object(Output)
    if value and output is not None:
        output.use_json()


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are called, so that the rest starts fast.

    Parameters
    ----------
    lazy : mapping of str to tuple of str and str
        Name to where it stands (`module:attribute`) and its line in the help.
    """

    def __init__(self, *, lazy: Mapping[str, tuple[str, str]], **attributes: Any) -> None:
        super().__init__(**attributes)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, sorted."""
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, None if there is none of the name."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"{self._lazy[cmd_name][0]} is no command")
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the subcommands that begin so, without importing them, and the group's own options."""
        found = [
            CompletionItem(name, help=line)
            for name, (_, line) in sorted(self._lazy.items())
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without importing them."""
        rows = [(name, self._lazy[name][1]) for name in self.list_commands(ctx) if name in self._lazy]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
