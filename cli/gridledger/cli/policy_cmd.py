"""`gridledger dataset policy`, `admit`, `close` and `reviewed`: who may have a dataset."""

from __future__ import annotations

from datetime import datetime

import click

from gridledger.cli.command import with_output
from gridledger.cli.duration_option import Duration
from gridledger.cli.moment_option import validity_of, with_validity
from gridledger.cli.output import Output
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.exchange.party import Party
from gridledger.lake.ledger import LakeLedger
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.refusals import NotFound
from gridledger.model.sharing import PolicyRule, PowerPlatform, Reviewed, SharingPolicy

__all__ = ["commands"]

_COLUMNS = ("platform", "organisations", "roles", "purposes", "longest_ms")


@click.command()
@click.argument("dataset")
@with_party
@with_output
def policy(output: Output, party: PartyChoice, dataset: str) -> None:
    """Show who may have DATASET, a rule a line."""
    name = DatasetIdentifier.parse(dataset)
    found = party.run(lambda one: LakeLedger(one.network).sharing_policy(name))
    show_records(output, found.rules, _COLUMNS)


@click.command()
@click.argument("dataset")
@click.option(
    "--platform",
    required=True,
    type=click.Choice([one.value for one in PowerPlatform]),
    help="The power platform of the applications that it is for.",
)
@click.option("--organisation", "organisations", multiple=True, help="MSP of theirs; of all by default.")
@click.option("--role", "roles", multiple=True, required=True, help="User role; may be repeated.")
@click.option("--purpose", "purposes", multiple=True, required=True, help="Purpose; may be repeated.")
@click.option("--longest", type=Duration(), required=True, help="For how long at most, such as 1d.")
@with_validity
@with_party
@with_output
def admit(
    output: Output,
    party: PartyChoice,
    dataset: str,
    platform: str,
    organisations: tuple[str, ...],
    roles: tuple[str, ...],
    purposes: tuple[str, ...],
    longest: int,
    begin: datetime | None,
    until: datetime | None,
) -> None:
    """Add a rule to the sharing policy of DATASET."""
    validity = validity_of(begin, until)
    rule = PolicyRule(
        platform=PowerPlatform(platform),
        organisations=tuple(sorted(set(organisations))) or None,
        roles=tuple(sorted(set(roles))),
        purposes=tuple(sorted(set(purposes))),
        longest_ms=longest,
        validity=validity if begin or until else None,
    )
    name = DatasetIdentifier.parse(dataset)

    async def add(one: Party) -> SharingPolicy:
        ledger = LakeLedger(one.network)
        known = await _policy(ledger, name)
        return await ledger.set_sharing_policy(name, (*(known.rules if known else ()), rule))

    show_records(output, party.run(add).rules, _COLUMNS)


@click.command()
@click.argument("dataset")
@with_party
@with_output
def close(output: Output, party: PartyChoice, dataset: str) -> None:
    """Take all rules from the sharing policy of DATASET; what was admitted stands until it is revoked."""
    name = DatasetIdentifier.parse(dataset)
    show_record(output, party.run(lambda one: LakeLedger(one.network).set_sharing_policy(name, ())))


@click.command()
@click.argument("dataset")
@click.option("--access/--no-access", default=None, help="Access requests; as before by default.")
@click.option("--versions/--no-versions", default=None, help="New versions; as before by default.")
@with_party
@with_output
def reviewed(
    output: Output, party: PartyChoice, dataset: str, access: bool | None, versions: bool | None
) -> None:
    """Say what of DATASET the council reviews before a key is handed over or a version is stored."""
    name = DatasetIdentifier.parse(dataset)

    async def change(one: Party) -> SharingPolicy:
        ledger = LakeLedger(one.network)
        known = await _policy(ledger, name)
        wanted = set(known.reviewed or ()) if known else set()
        for subject, is_wanted in ((Reviewed.ACCESS, access), (Reviewed.VERSIONS, versions)):
            if is_wanted is not None:
                (wanted.add if is_wanted else wanted.discard)(subject)
        return await ledger.set_sharing_policy(name, known.rules if known else (), wanted)

    show_record(output, party.run(change))


async def _policy(ledger: LakeLedger, dataset: DatasetIdentifier) -> SharingPolicy | None:
    try:
        return await ledger.sharing_policy(dataset)
    except NotFound:
        return None


commands = (policy, admit, close, reviewed)
