"""`gridledger provider`: an owner's server, its deposits and its access log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields, table
from gridledger.cli.party_option import ConfigChoice, with_config
from gridledger.cli.watching_option import with_watching
from gridledger.exchange.access_log import last_lines
from gridledger.exchange.deposit_schedule import DepositSchedule, DepositSettings
from gridledger.exchange.serve import serve as serve_system
from gridledger.exchange.source import Database
from gridledger.exchange.vault import DepositRun, Vault
from gridledger.model.errors import FieldValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["group"]


@click.group("provider")
def group() -> None:
    """Serve a business system's data; see what its server does."""


@group.command()
@click.option(
    "--port-file", type=click.Path(path_type=Path, dir_okay=False), help="Gets the port once it answers."
)
@with_config
@with_output
@with_watching
def serve(_output: Output, config: ConfigChoice, port_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM; say `ready URL` once it answers, log requests on standard error."""
    serve_system(config.settings(), port_file=port_file)


@group.command()
@with_config
@with_output
def check(output: Output, config: ConfigChoice) -> None:
    """Check that the database can be read and not written, and has the configured tables and columns."""
    settings = config.settings()
    with Database(settings.database) as database:
        database.check([field.source for field in settings.fields.values()])
    value: dict[str, FieldValue] = {
        "database": str(settings.database),
        "fields": list(settings.fields),
        "devices": len(settings.devices),
    }
    output.show(value, fields)


@group.command()
@with_config
@with_output
def deposit(output: Output, config: ConfigChoice) -> None:
    """Run the schedule of deposits once, as the server does; exit code 1 if it ended with an error."""
    settings = config.settings().deposits or DepositSettings()
    with output.progress("computing roots"):
        run = config.run(lambda one: DepositSchedule(one, settings).run_once())
    output.show(_run(run), fields)
    if run.error or run.refused:
        raise click.exceptions.Exit(1)


@group.command()
@click.option("--runs", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many runs.")
@with_config
@with_output
def status(output: Output, config: ConfigChoice, runs: int) -> None:
    """Show the deposits that the ledger has, those still pending, and the last runs of the schedule."""
    settings = config.settings()
    with Vault(settings.vault) as vault:
        deposited, pending = vault.count_deposits()
        found = [_run(run) for run in vault.runs(runs)]
    value: dict[str, FieldValue] = {
        "scheduled": settings.deposits is not None,
        "deposited": deposited,
        "pending": pending,
        "runs": [*found],
    }
    output.show(value, _status)


@group.command()
@click.option(
    "--lines", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many requests."
)
@with_config
@with_output
def log(output: Output, config: ConfigChoice, lines: int) -> None:
    """Show the last requests of the access log."""
    found: list[FieldValue] = [*last_lines(config.settings().server.access_log, lines)]
    columns = ("time", "caller", "path", "status", "code", "order", "fields", "rows")
    output.show(found, lambda rows: table([_shown(row) for row in rows], {name: name for name in columns}))


def _run(run: DepositRun) -> dict[str, FieldValue]:
    return {
        "started": _moment(run.started_ms),
        "seconds": (run.ended_ms - run.started_ms) // 1000,
        "deposited": run.deposited,
        "refused": run.refused,
        "error": run.error,
    }


def _status(value: dict[str, Any]) -> RenderableType:
    from rich.console import Group

    head = fields({name: value[name] for name in ("scheduled", "deposited", "pending")})
    columns = ("started", "seconds", "deposited", "refused", "error")
    return Group(head, table(value["runs"], {name: name for name in columns}))


def _shown(row: dict[str, Any]) -> dict[str, FieldValue]:
    return row | {"order": row["order"][:12], "fields": ", ".join(row["fields"])}


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
