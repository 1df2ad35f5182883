"""`gridledger index`: an index on the ledger, and answers for those who have grants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.index_option import asked_query, cache_option, with_query
from gridledger.cli.index_view import show_answer
from gridledger.cli.output import Output
from gridledger.cli.owned_lake_option import LakeChoice, with_owned_lake
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record
from gridledger.lake.index import Index
from gridledger.lake.ledger import LakeLedger, answer_for, check_index, deposit_index
from gridledger.model.identifier import SystemIdentifier

__all__ = ["commands"]

_FOUND = 1
"""Exit code where the store lacks what the ledger has."""


@click.command()
@click.argument("name")
@click.argument("owner")
@with_owned_lake
@with_party
@with_output
def deposit(output: Output, party: PartyChoice, lake: LakeChoice, name: str, owner: str) -> None:
    """Deposit the digest of the newest generation of the index NAME, as the system OWNER."""
    system = SystemIdentifier(owner)
    with lake.opened() as owned:
        index = Index.open(owned.lake, name)
        deposited = party.run(lambda one: deposit_index(LakeLedger(one.network), system, index))
    show_record(output, deposited)


@click.command()
@click.argument("name")
@click.argument("owner")
@with_owned_lake
@with_party
@with_output
def check(output: Output, party: PartyChoice, lake: LakeChoice, name: str, owner: str) -> None:
    """Compare the index NAME with what OWNER deposited; end with 1 if it was rolled back or changed."""
    system = SystemIdentifier(owner)
    with lake.opened() as owned:
        index = Index.open(owned.lake, name)
        found = party.run(lambda one: check_index(LakeLedger(one.network), system, index))
    show_record(output, found)
    if found.state.is_wrong:
        raise click.exceptions.Exit(_FOUND)


@click.command()
@click.argument("name")
@click.argument("owner")
@click.argument("application")
@with_query
@cache_option
@with_owned_lake
@with_party
@with_output
def answer(
    output: Output,
    party: PartyChoice,
    lake: LakeChoice,
    /,
    name: str,
    owner: str,
    application: str,
    cache: Path | None,
    **asked: Any,
) -> None:
    """Answer a query to OWNER's index NAME for APPLICATION, from the datasets that it has grants of."""
    parties = SystemIdentifier(owner), SystemIdentifier(application)
    with lake.opened() as owned:
        index = Index.open(owned.lake, name, cache=cache)
        query = asked_query(index.plan.features, **asked)
        found = party.run(lambda one: answer_for(LakeLedger(one.network), *parties, index, query))
    show_answer(output, index.plan.features, found)


commands = (deposit, check, answer)
