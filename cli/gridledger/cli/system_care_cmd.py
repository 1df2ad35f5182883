"""Commands of `gridledger system` for registered systems: coding rules, credit, histories."""

from __future__ import annotations

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output
from gridledger.cli.party_option import ConfigChoice, PartyChoice, with_config, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.exchange.aggregation_system import AggregationSystem
from gridledger.model.code_pattern import CodePattern
from gridledger.model.coding_rule import CodeForm, CodingRuleEntry
from gridledger.model.identifier import SystemIdentifier

__all__ = ["commands"]


@click.command("code-rule")
@click.argument("system")
@click.option("--data-type", help="What its data are, such as '15-minute readings'.")
@click.option(
    "--form",
    "forms",
    multiple=True,
    metavar="KIND=PATTERN",
    help="Codes of a kind of object, such as 'meter=2050.{digit:2}.MTR{digit:2}'; may be repeated.",
)
@click.option("--identifiers", type=click.IntRange(min=0), default=0, help="Devices that it has now.")
@click.option("--growth", type=click.IntRange(min=0), default=0, help="Devices that come in a year.")
@with_party
@with_output
def code_rule(
    output: Output,
    party: PartyChoice,
    system: str,
    data_type: str | None,
    forms: tuple[str, ...],
    identifiers: int,
    growth: int,
) -> None:
    """Show the coding rule of a system; with --form lay it down, as the aggregation system.

    A pattern is text and classes: {digit:2}, {upper:1-3}, also lower, letter, alnum, hex, and any at the end.
    """
    identifier = SystemIdentifier(system)
    if not forms:
        show_record(output, party.run(lambda one: one.ledger.coding_rule(identifier)))
        return
    if data_type is None:
        raise click.UsageError("a rule wants --data-type")
    entry = CodingRuleEntry(
        system=identifier,
        data_type=data_type,
        forms=tuple(_form(text) for text in forms),
        identifiers=identifiers,
        growth_a_year=growth,
    )
    show_record(output, party.run(lambda one: one.ledger.lay_down_coding_rule(entry)))


def _form(text: str) -> CodeForm:
    kind, sign, pattern = text.partition("=")
    if not sign:
        raise click.UsageError(f"{text}: want KIND=PATTERN")
    return CodeForm(kind=kind, pattern=CodePattern(pattern))


@click.command()
@click.argument("system")
@with_party
@with_output
def credit(output: Output, party: PartyChoice, system: str) -> None:
    """Show the credit of a system, as far as its ratings are counted."""
    show_record(output, party.run(lambda one: one.ledger.credit(SystemIdentifier(system))))


@click.command()
@click.argument("order")
@click.argument("owner")
@click.argument("score", type=click.IntRange(0, 100))
@with_party
@with_output
def rate(output: Output, party: PartyChoice, order: str, owner: str, score: int) -> None:
    """Rate the other party of an order's line with OWNER, 0 to 100, once it is settled or returned."""
    show_record(output, party.run(lambda one: one.ledger.rate_system(order, SystemIdentifier(owner), score)))


@click.command("review-credit")
@click.argument("system")
@click.option("--root", required=True, help="The aggregation system's root.")
@with_party
@with_output
def review_credit(output: Output, party: PartyChoice, system: str, root: str) -> None:
    """Count the ratings of a system, and deregister it if its credit is below the threshold."""
    identifier = SystemIdentifier(system)
    show_record(
        output,
        party.run(lambda one: AggregationSystem(one, SystemIdentifier(root)).review_credit(identifier)),
    )


@click.command()
@click.argument("system")
@click.argument("reason")
@with_party
@with_output
def deregister(output: Output, party: PartyChoice, system: str, reason: str) -> None:
    """Deregister a system whose credit is below the threshold; it may be registered again."""
    show_record(output, party.run(lambda one: one.ledger.deregister_system(SystemIdentifier(system), reason)))


@click.command()
@click.argument("server")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_config
@with_output
def reregister(output: Output, config: ConfigChoice, server: str, call_key: str | None) -> None:
    """Apply again for a suspended system, whose server answers at SERVER; it keeps its identifier."""
    show_record(output, config.run(lambda one: one.apply(server, call_key=call_key)))


@click.command()
@click.argument("system")
@with_party
@with_output
def history(output: Output, party: PartyChoice, system: str) -> None:
    """Show all versions of a system, the newest first, under this prefix and those before."""
    found = party.run(lambda one: one.ledger.system_history(SystemIdentifier(system)))
    columns = ("version.claimed_ms", "system.identifier", "system.state", "system.reason", "system.moved_to")
    show_records(output, found, columns)


commands: tuple[click.Command, ...] = (
    code_rule,
    credit,
    rate,
    review_credit,
    deregister,
    reregister,
    history,
)
