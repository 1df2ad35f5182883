"""`gridledger field`: register fields with charging standards, deposit their roots, find altered rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.field_change_cmd import commands
from gridledger.cli.moment_option import milliseconds, with_validity
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_items, show_record, show_records
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.leaves import Alteration
from gridledger.exchange.party import Party
from gridledger.model.device import ItemResult, RegisteredField, StandardEntry
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.money import parse_yuan
from gridledger.model.period import Day, Period

__all__ = ["group"]


@click.group("field")
def group() -> None:
    """Register fields, price them, deposit their roots."""


@group.command()
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_config
@with_output
def register(output: Output, config: ConfigChoice, call_key: str | None) -> None:
    """Register the fields of the configuration with their charging standards, for each of its devices."""
    with output.progress("registering fields"):
        results = config.run(lambda one: one.register_fields(call_key=call_key))
    show_items(output, results)


@group.command("list")
@click.argument("system")
@with_party
@with_output
def list_(output: Output, party: PartyChoice, system: str) -> None:
    """List the fields of a system: its data catalogue."""

    async def catalogue(one: Party) -> list[RegisteredField]:
        found: list[RegisteredField] = []
        bookmark = ""
        while True:
            page = await one.ledger.fields(SystemIdentifier(system), bookmark)
            found.extend(page.fields)
            bookmark = page.bookmark
            if not bookmark:
                return found

    columns = ("identifier", "metadata.title", "metadata.unit", "metadata.frequency", "metadata.roles")
    show_records(output, party.run(catalogue), columns)


@group.command()
@click.argument("field")
@with_party
@with_output
def standard(output: Output, party: PartyChoice, field: str) -> None:
    """Show the charging standard of a field."""
    show_record(output, party.run(lambda one: one.ledger.charging_standard(FieldIdentifier.parse(field))))


@group.command()
@click.argument("field")
@click.argument("yuan")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_validity
@with_config
@with_output
def price(
    output: Output,
    config: ConfigChoice,
    field: str,
    yuan: str,
    call_key: str | None,
    begin: datetime | None,
    until: datetime | None,
) -> None:
    """Set a new charging standard for a field: the price of one query, from now on or from a day on."""
    entry = StandardEntry(
        field=FieldIdentifier.parse(field),
        price_milliyuan=parse_yuan(yuan),
        valid_from_ms=milliseconds(begin),
        valid_until_ms=milliseconds(until),
    )

    async def set_price(one: BusinessSystem) -> tuple[ItemResult, ...]:
        system = await one.identifier()
        return await one.party.ledger.set_charging_standards(system, [entry], call_key=call_key)

    show_items(output, config.run(set_price))


@group.command()
@click.option("--late", is_flag=True, help="Also rows that came after the deposit of their period.")
@click.option("--before", metavar="DAY", help="Only periods that end before this day (UTC).")
@with_config
@with_output
def deposit(output: Output, config: ConfigChoice, late: bool, before: str | None) -> None:
    """Deposit the Merkle roots of all rows that are not deposited yet."""
    day = None if before is None else Day.parse(before)

    async def work(one: BusinessSystem) -> tuple[ItemResult, ...]:
        return tuple(found.result for found in await one.deposit(closed_before=day, late=late))

    with output.progress("computing roots"):
        results = config.run(work)
    show_items(output, results)


@group.command()
@click.argument("field")
@click.argument("period")
@with_party
@with_output
def deposited(output: Output, party: PartyChoice, field: str, period: str) -> None:
    """Show the deposited root of a field and period, and its supplements."""
    identifier, part = FieldIdentifier.parse(field), Period.parse(period)
    show_record(output, party.run(lambda one: one.ledger.deposit(identifier, part)))


@group.command("altered")
@click.argument("field")
@click.argument("period")
@with_config
@with_output
def altered(output: Output, config: ConfigChoice, field: str, period: str) -> None:
    """Name the first row that is not what was deposited; exit code 1 if there is one."""
    identifier, part = FieldIdentifier.parse(field), Period.parse(period)
    found = config.run(lambda one: one.first_alteration(identifier, part))
    output.show(_value(found), lambda value: _text(value))
    if found is not None:
        raise click.exceptions.Exit(1)


def _value(found: Alteration | None) -> FieldValue:
    if found is None:
        return None
    return {
        "field": str(found.field),
        "period": str(found.period),
        "row": found.row,
        "change": found.change.value,
        "value": found.value,
        "supplement": found.supplement,
        "deposited_ms": found.deposited_ms,
        "counts": {change.value: count for change, count in found.counts.items()},
    }


def _text(value: dict[str, Any] | None) -> str:
    if value is None:
        return "All rows are as they were deposited."
    counts = ", ".join(f"{count} {change}" for change, count in value["counts"].items())
    return f"Row {value['row']} of {value['field']}, {value['period']}: {value['change']}. In all: {counts}."


for _command in commands:
    group.add_command(_command)
