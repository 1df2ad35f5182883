"""`gridledger council elect`: rules of elections, elections and their counts; `gridledger council status`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.council_vote_cmd import election_argument
from gridledger.cli.duration_option import Duration
from gridledger.cli.moment_option import milliseconds
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import record_table, show_record, show_records
from gridledger.council import CouncilLedger, differences
from gridledger.exchange.party import Party
from gridledger.model.council import ElectionRules, ElectionState, Elector, quorum, survived_faults
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["group", "status"]

_DIFFERS = 1
_COLUMNS = ("candidate", "organisation", "weight", "votes", "credit", "hindrance")


class _Weighted(click.ParamType):  # type: ignore[type-arg] # generic in click's stubs only
    """An elector: `MSP=WEIGHT`."""

    name = "MSP=WEIGHT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Elector:
        organisation, _, weight = str(value).partition("=")
        if not weight.isdecimal():
            self.fail(f"{value!r} is no elector such as Org1MSP=10", param, ctx)
        return Elector(organisation=organisation, weight=int(weight))


@click.group("elect")
def group() -> None:
    """Lay down how a council is elected; open, count and check elections."""


@group.command()
@root_option
@click.option("--seats", type=click.IntRange(1, 40), required=True, help="Super nodes of the council.")
@click.option(
    "--per-organisation",
    type=click.IntRange(1, 40),
    default=1,
    show_default=True,
    help="Most seats of one organisation.",
)
@click.option("--term", "term_ms", type=Duration(), required=True, help="How long a council sits.")
@click.option(
    "--elector",
    "electors",
    type=_Weighted(),
    multiple=True,
    required=True,
    help="An organisation with a vote, and its weight; may be repeated.",
)
@with_party
@with_output
def rules(
    output: Output,
    party: PartyChoice,
    root: str,
    seats: int,
    per_organisation: int,
    term_ms: int,
    electors: tuple[Elector, ...],
) -> None:
    """Set how the council is elected, from the next election on."""
    election = ElectionRules(
        seats=seats,
        seats_per_organisation=per_organisation,
        term_ms=term_ms,
        electors=tuple(sorted(electors, key=lambda one: one.organisation)),
    )
    below = SystemIdentifier(root)
    show_record(output, party.run(lambda one: CouncilLedger(one.network).set_rules(below, election)))


@group.command("open")
@election_argument
@root_option
@click.option(
    "--until",
    type=click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    required=True,
    help="First moment at which no vote counts any more, UTC.",
)
@with_party
@with_output
def open_(output: Output, party: PartyChoice, election: int, root: str, until: datetime) -> None:
    """Open ELECTION, the next number of the root."""
    closes_ms, below = milliseconds(until) or 0, SystemIdentifier(root)
    opened = party.run(lambda one: CouncilLedger(one.network).open_election(below, election, closes_ms))
    show_record(output, opened)


@group.command()
@election_argument
@root_option
@with_party
@with_output
def count(output: Output, party: PartyChoice, election: int, root: str) -> None:
    """Count ELECTION once it is over; who was elected takes office."""
    below = SystemIdentifier(root)
    counted: ModelValue = party.run(lambda one: CouncilLedger(one.network).count_votes(below, election))
    _show(output, counted.to_value())


@group.command()
@election_argument
@root_option
@with_party
@with_output
def show(output: Output, party: PartyChoice, election: int, root: str) -> None:
    """Show ELECTION; while it runs, how it would be counted now."""
    below = SystemIdentifier(root)

    async def look(one: Party) -> dict[str, FieldValue]:
        ledger = CouncilLedger(one.network)
        known = await ledger.election(below, election)
        if known.state is not ElectionState.OPEN:
            return known.to_value()
        preview = await ledger.preview_count(below, election)
        return {**known.to_value(), "preview": preview.to_value()}

    _show(output, party.run(look))


@group.command()
@election_argument
@root_option
@with_party
@with_output
def check(output: Output, party: PartyChoice, election: int, root: str) -> None:
    """Count ELECTION again from its votes; end with exit code 1 if its result is another."""
    below = SystemIdentifier(root)

    async def compare(one: Party) -> dict[str, FieldValue]:
        ledger = CouncilLedger(one.network)
        known = await ledger.election(below, election)
        votes = await ledger.votes(below, election)
        sitting = await ledger.council(below) if known.state is ElectionState.DECIDED else None
        council = sitting if sitting is not None and sitting.election == election else None
        found: list[FieldValue] = [*differences(known, votes, council)]
        return {"election": election, "votes": len(votes), "differences": found}

    result = party.run(compare)
    output.show(result, fields)
    if result["differences"]:
        raise click.exceptions.Exit(_DIFFERS)


@group.command("list")
@root_option
@with_party
@with_output
def list_(output: Output, party: PartyChoice, root: str) -> None:
    """List the elections of a root."""
    found = party.run(lambda one: CouncilLedger(one.network).elections(SystemIdentifier(root)))
    show_records(output, found, ("number", "state", "opened_ms", "closes_ms", "rules.seats"))


@click.command()
@root_option
@with_party
@with_output
def status(output: Output, party: PartyChoice, root: str) -> None:
    """Show who sits in the council, how many approvals decide, how many faults are survived."""
    council = party.run(lambda one: CouncilLedger(one.network).council(SystemIdentifier(root)))
    nodes = len(council.members)
    found: dict[str, FieldValue] = council.to_value()
    found |= {"quorum": quorum(nodes), "survived_faults": survived_faults(nodes)}

    def drawn(value: Any) -> RenderableType:
        from rich.console import Group

        shown = {name: value[name] for name in ("root", "election", "ends_ms", "quorum", "survived_faults")}
        return Group(fields(shown), record_table(value["members"], ("id", "name", "agent.msp_id", "orderer")))

    output.show(found, drawn)


def _show(output: Output, election: dict[str, FieldValue]) -> None:
    """Show an election with its tallies as a table."""

    def drawn(value: Any) -> RenderableType:
        from rich.console import Group

        shown = {name: value[name] for name in ("root", "number", "state", "closes_ms")}
        result = value.get("result") or value["preview"]
        counted = {name: result[name] for name in ("votes", "weight_cast", "weight_total")}
        return Group(fields({**shown, **counted}), record_table(result["tallies"], _COLUMNS))

    output.show(election, drawn)
