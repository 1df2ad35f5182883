"""`gridledger log`: what was registered, allocated, changed and resolved, as a read model has it."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.model_option import with_model
from gridledger.cli.output import Output
from gridledger.cli.table_view import show_table, with_csv
from gridledger.exchange.readmodel import (
    Log,
    LogQuery,
    ReadModel,
    ResolutionQuery,
    read_log,
    read_resolutions,
)

__all__ = ["group"]

_SIZE = click.option("--size", default=100, show_default=True, help="Lines, up to 1,000.")
_BOOKMARK = click.option("--bookmark", default="", help="Where the page before ended.")


@click.group("log")
def group() -> None:
    """Show the logs, in the order of the chain."""


def _log_command(name: str, log: Log, of_system: str, of_subject: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.option("--system", help=of_system)
    @click.option("--subject", help=of_subject)
    @_SIZE
    @_BOOKMARK
    @with_csv
    @with_output
    @with_model
    def command(
        model: ReadModel,
        output: Output,
        /,
        system: str | None,
        subject: str | None,
        size: int,
        bookmark: str,
        as_csv: bool,
    ) -> None:
        query = LogQuery(log=log, system=system, subject=subject, size=size, bookmark=bookmark)
        page = read_log(model, query)
        columns = ("block", "subject", "event", "before", "after", "msp_id", "actor")
        headings = {name: name.replace("_", " ") for name in columns}
        show_table(output, page.lines, headings, as_csv=as_csv, bookmark=page.bookmark)

    return command


for _command in (
    _log_command(
        "metadata",
        Log.METADATA,
        "Lines of one system.",
        "Lines of one field or device.",
        "Show every change of a device's or field's metadata and of charging standards.",
    ),
    _log_command(
        "registration",
        Log.REGISTRATION,
        "Lines of one system, or of a root's open applications.",
        "Lines of one system, application or user.",
        "Show applications, systems and users, and what became of them.",
    ),
    _log_command(
        "allocation",
        Log.ALLOCATION,
        "Lines of one system.",
        "Lines of one identifier.",
        "Show identifiers that were given out, and each state of their life.",
    ),
):
    group.add_command(_command)


@group.command()
@click.option("--application", help="Resolutions for one data application.")
@click.option("--owner", help="Resolutions that name fields of one system.")
@click.option("--field", help="Resolutions that name one field.")
@_SIZE
@_BOOKMARK
@with_csv
@with_output
@with_model
def resolution(
    model: ReadModel,
    output: Output,
    /,
    application: str | None,
    owner: str | None,
    field: str | None,
    size: int,
    bookmark: str,
    as_csv: bool,
) -> None:
    """Show who asked for what, and what of it was withheld."""
    query = ResolutionQuery(application=application, owner=owner, field=field, size=size, bookmark=bookmark)
    page = read_resolutions(model, query)
    columns = ("block", "application", "user", "function", "device", "fields", "withheld")
    show_table(output, page.lines, {name: name for name in columns}, as_csv=as_csv, bookmark=page.bookmark)
