"""How a long-running command is watched: `--metrics`, `--log-format`, `--log-level`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.cli.output import Output

__all__ = ["with_watching"]

P = ParamSpec("P")
T = TypeVar("T")

_FORMATS = ("text", "json")
_LEVELS = ("debug", "info", "warning", "error")


def with_watching(function: Callable[Concatenate[Output, P], T]) -> Callable[Concatenate[Output, P], T]:
    """Give a long-running command metrics and logs.

    Stands below `with_output`, so that what it refuses is said as the command's own errors are::

        @group.command()
        @with_party
        @with_output
        @with_watching
        def watch(output: Output, party: PartyChoice) -> None: ...
    """

    @click.option(
        "--metrics",
        metavar="[HOST:]PORT",
        help="Let Prometheus read metrics here, in plain HTTP; on 127.0.0.1 where no host is named.",
    )
    @click.option(
        "--log-format",
        type=click.Choice(_FORMATS),
        envvar="GRIDLEDGER_LOG_FORMAT",
        show_envvar=True,
        help="Lines on standard error: text (default), or JSON with errors as fields.",
    )
    @click.option(
        "--log-level",
        type=click.Choice(_LEVELS),
        envvar="GRIDLEDGER_LOG_LEVEL",
        show_envvar=True,
        help="From which level on lines are written; info by default.",
    )
    @functools.wraps(function)
    def called(output: Output, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        # Imported here: help is to be there at once.
        from gridledger.host.logs import LogFormat, LogLevel, logging_to
        from gridledger.host.metrics_listener import MetricsListener
        from gridledger.model.errors import GridLedgerError

        address, form, level = (keywords.pop(name) for name in ("metrics", "log_format", "log_level"))
        with ExitStack() as stack:
            logging = logging_to(
                sys.stderr,
                LogFormat(str(form)) if form else None,
                LogLevel(str(level)) if level else None,
            )
            if stack.enter_context(logging) is LogFormat.JSON:
                stack.enter_context(output.logging_failures())
            try:
                if address is not None:
                    stack.enter_context(MetricsListener(str(address)))
                return function(output, *arguments, **keywords)
            except GridLedgerError as error:
                # Said here, where it is still a line of the log.
                output.fail(error)
                failed = error
        raise click.exceptions.Exit(failed.exit_code) from failed

    return called
