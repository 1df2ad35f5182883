"""`gridledger response ven-add|ven-list|ven-remove`: the OpenADR clients of a server of demand response."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields, table
from gridledger.cli.response_option import SettingsChoice, with_settings
from gridledger.model.errors import FieldValue
from gridledger.model.response import TerminalEntry, TerminalKind
from gridledger.response.database import open_database
from gridledger.response.openadr import VenClient, VenClients
from gridledger.response.programs import register_terminals
from gridledger.response.settings import ServerSettings

__all__ = ["commands"]


@click.command("ven-add")
@click.argument("client")
@click.option("--site", required=True, help="What its loads and replies count for; a pseudonym.")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([one.value for one in TerminalKind]),
    multiple=True,
    help="What it reports: iot loads, user replies; default both.",
)
@with_settings
@with_output
def ven_add(output: Output, choice: SettingsChoice, client: str, site: str, kinds: tuple[str, ...]) -> None:
    """Take up CLIENT and show its secret, this once; its terminals are registered on the ledger.

    A VEN has no key there: the server alone anchors its records, and the ledger says so.
    """
    settings = choice.server()
    taken = VenClient(client=client, site=site)
    entries = [
        TerminalEntry(
            identifier=taken.terminal(settings.system, TerminalKind(kind)),
            kind=TerminalKind(kind),
            site=site,
        )
        for kind in kinds or tuple(one.value for one in TerminalKind)
    ]
    asyncio.run(register_terminals(settings, entries))
    with _clients(settings) as clients:
        secret = clients.add(client, site)
    output.show({"client_id": client, "client_secret": secret, "site": site}, fields)


@click.command("ven-list")
@with_settings
@with_output
def ven_list(output: Output, choice: SettingsChoice) -> None:
    """List the VENs of this server."""
    with _clients(choice.server()) as clients:
        rows: list[FieldValue] = [{"client": one.client, "site": one.site} for one in clients.list()]
    output.show(rows, lambda shown: table(shown, {"client": "client", "site": "site"}))


@click.command("ven-remove")
@click.argument("client")
@with_settings
@with_output
def ven_remove(output: Output, choice: SettingsChoice, client: str) -> None:
    """Let CLIENT in no more, and forget its objects; its records stay."""
    with _clients(choice.server()) as clients:
        clients.remove(client)
    output.show({"removed": client}, fields)


@contextmanager
def _clients(settings: ServerSettings) -> Iterator[VenClients]:
    with open_database(settings.database, settings.folder) as database:
        yield VenClients(database)


commands = (ven_add, ven_list, ven_remove)
