"""`gridledger agreement`: prices that an application and an owner settle once for many queries."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.exchange.agreement_book import propose_terms
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.party import Party
from gridledger.model.agreement import Agreement, SignedAgreement
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.money import parse_yuan

__all__ = ["group"]

_DAY_MS = 24 * 3600 * 1000


@click.group("agreement")
def group() -> None:
    """Propose, sign, conclude and end agreements; a query under them is two transactions."""


@group.command()
@click.argument("application")
@click.argument("function")
@click.argument("fields", nargs=-1, required=True)
@click.option("--days", default=30, show_default=True, help="How long it holds, from now on.")
@click.option("--queries", type=int, help="Limit of queries.")
@click.option("--yuan", help="Limit of the amount: as many whole queries as it covers.")
@click.option("--discount", default=0, show_default=True, type=click.IntRange(0, 100), help="Percent.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File for the signed terms, which the owner signs next.",
)
@with_party
@with_output
def propose(
    output: Output,
    party: PartyChoice,
    application: str,
    function: str,
    fields: tuple[str, ...],
    days: int,
    queries: int | None,
    yuan: str | None,
    discount: int,
    out: Path,
) -> None:
    """Propose terms for FIELDS of one owner at their charging standards, signed as APPLICATION."""
    now_ms = int(time.time() * 1000)

    async def work(one: Party) -> SignedAgreement:
        terms = await propose_terms(
            one.ledger,
            SystemIdentifier(application),
            function,
            [FieldIdentifier.parse(field) for field in fields],
            valid_from_ms=now_ms,
            valid_until_ms=now_ms + days * _DAY_MS,
            limit_queries=queries,
            limit_milliyuan=None if yuan is None else parse_yuan(yuan),
            discount_percent=discount,
        )
        return SignedAgreement(terms=terms, application_signature=await one.sign(terms))

    signed = party.run(work)
    out.write_bytes(signed.to_bytes())
    show_record(output, signed.terms)


@group.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_config
@with_output
def sign(output: Output, config: ConfigChoice, file: Path) -> None:
    """Sign the terms in FILE as their owner; the file then has both signatures."""
    signed = _read(file)

    async def work(one: BusinessSystem) -> SignedAgreement:
        return replace(signed, owner_signature=await one.party.sign(signed.terms))

    file.write_bytes(config.run(work).to_bytes())
    show_record(output, signed.terms)


@group.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_party
@with_output
def conclude(output: Output, party: PartyChoice, file: Path) -> None:
    """Conclude the agreement in FILE, which both have signed, as one of its parties."""
    signed = _read(file)
    show_record(output, party.run(lambda one: one.ledger.conclude_agreement(signed)))


@group.command()
@click.argument("agreement")
@with_party
@with_output
def end(output: Output, party: PartyChoice, agreement: str) -> None:
    """End an agreement early, as one of its parties."""
    show_record(output, party.run(lambda one: one.ledger.end_agreement(agreement)))


@group.command()
@click.argument("agreement")
@with_party
@with_output
def show(output: Output, party: PartyChoice, agreement: str) -> None:
    """Show an agreement."""
    show_record(output, party.run(lambda one: one.ledger.agreement(agreement)))


@group.command("list")
@click.argument("system")
@click.option("--function", default="", help="Only those for one function.")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, system: str, function: str) -> None:
    """List the agreements of SYSTEM, an application or an owner."""

    async def work(one: Party) -> list[Agreement]:
        found: list[Agreement] = []
        bookmark = ""
        while True:
            page = await one.ledger.agreements(SystemIdentifier(system), function, bookmark)
            found.extend(page.agreements)
            bookmark = page.bookmark
            if not bookmark:
                return found

    columns = ("id", "signed.terms.application", "signed.terms.owner", "signed.terms.function", "queries")
    show_records(output, party.run(work), columns)


def _read(file: Path) -> SignedAgreement:
    try:
        return SignedAgreement.from_bytes(file.read_bytes())
    except ModelError as error:
        raise ConfigError("is no signed agreement", key="file", source=str(file)) from error
