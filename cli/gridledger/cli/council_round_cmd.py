"""`gridledger council rounds`, `review`, `receipts`, `audit` and `node`: what super nodes do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridledger.cli.command import with_output
from gridledger.cli.council_candidate_cmd import root_option
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import record_table, show_record
from gridledger.cli.watching_option import with_watching
from gridledger.council import (
    CouncilLedger,
    ReviewLedger,
    RoundKeyStore,
    SuperNode,
    bring_to_master,
    file_request,
)
from gridledger.council.copy_audit import audit_round
from gridledger.council.review_rule import program_rule, without_rules
from gridledger.exchange.party import Party
from gridledger.model.council_review import RoundView
from gridledger.model.council_round import ReviewLimits
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.errors import FieldValue, GridLedgerError
from gridledger.model.identifier import SystemIdentifier

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["audit", "node", "receipts", "review", "rounds"]

_PROBLEMS = 1
_seconds = click.IntRange(1, 86_400)
_number = click.option("--round", "number", type=click.IntRange(1), help="The newest one by default.")


@click.group("rounds")
def rounds() -> None:
    """Lay down how rounds go, and show them."""


@rounds.command()
@root_option
@click.option("--places", type=click.IntRange(1, 16), default=16, show_default=True, help="Requests a round.")
@click.option("--master", type=_seconds, default=30, show_default=True, help="Seconds to take a request in.")
@click.option("--review", type=_seconds, default=120, show_default=True, help="Seconds to decide one in.")
@click.option("--receipt", type=_seconds, default=120, show_default=True, help="Seconds to delete copies in.")
@click.option("--credit-at", type=click.IntRange(1), default=2, show_default=True, help="Costs credit.")
@click.option("--suspend-at", type=click.IntRange(1), default=4, show_default=True, help="Suspends.")
@click.option("--remove-at", type=click.IntRange(1), default=8, show_default=True, help="Costs the seat.")
@with_party
@with_output
def rules(
    output: Output,
    party: PartyChoice,
    root: str,
    places: int,
    master: int,
    review: int,
    receipt: int,
    credit_at: int,
    suspend_at: int,
    remove_at: int,
) -> None:
    """Set how the council reviews, from the next round on, and what comes of misbehaviour."""
    limits = ReviewLimits(
        places=places,
        master_ms=1000 * master,
        review_ms=1000 * review,
        receipt_ms=1000 * receipt,
        loses_credit_at=credit_at,
        suspended_at=suspend_at,
        removed_at=remove_at,
    )
    show_record(
        output, party.run(lambda one: ReviewLedger(one.network).set_rules(SystemIdentifier(root), limits))
    )


@rounds.command()
@root_option
@_number
@with_party
@with_output
def show(output: Output, party: PartyChoice, root: str, number: int | None) -> None:
    """Show a round: its master, who entered, its requests."""
    found = party.run(lambda one: _round(one, SystemIdentifier(root), number))

    def drawn(value: Any) -> RenderableType:
        from rich.console import Group

        names = ("number", "state", "master", "view", "height", "requests")
        rows = [{"id": one.signed.statement.id, **one.to_value()} for one in found.requests]
        entries = record_table(value["entries"], ("node", "entry.height"))
        return Group(
            fields({name: value["round"][name] for name in names}),
            entries,
            record_table(rows, ("id", "state", "authority", "path")),
        )

    output.show(found.to_value(), drawn)


@click.group("review")
def review() -> None:
    """File requests for review, and show what came of them."""


@review.command("file")
@root_option
@click.option("--system", required=True, help="The system for which the caller acts.")
@click.option("--access", help="Id of an access request.")
@click.option("--dataset", help="A dataset, with --number.")
@click.option("--number", type=click.IntRange(1), help="The version.")
@click.option("--node", help="Super node that it goes to; the master by default.")
@click.argument("content", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_party
@with_output
def file_(
    output: Output,
    party: PartyChoice,
    root: str,
    system: str,
    access: str | None,
    dataset: str | None,
    number: int | None,
    node: str | None,
    content: Path,
) -> None:
    """Have the council review an access request or a version by CONTENT, which super nodes get sealed."""
    below, content_bytes = SystemIdentifier(root), content.read_bytes()

    async def filed(one: Party) -> dict[str, FieldValue]:
        ledger = ReviewLedger(one.network)
        version = None
        if dataset is not None and number is not None:
            version = await ledger.version(DatasetIdentifier.parse(dataset), number)
        request = await file_request(
            ledger,
            one.sign,
            content_bytes,
            root=below,
            system=SystemIdentifier(system),
            node=node,
            access=access,
            version=version,
        )
        return {"id": request.signed.statement.id, **request.to_value()}

    output.show(
        party.run(filed), lambda value: fields({name: value[name] for name in ("id", "state", "path")})
    )


@review.command("bring")
@click.argument("request")
@click.argument("content", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_party
@with_output
def bring(output: Output, party: PartyChoice, request: str, content: Path) -> None:
    """Bring REQUEST with its CONTENT to the master of the moment, past a node that does not pass it on."""
    content_bytes = content.read_bytes()
    show_record(
        output, party.run(lambda one: bring_to_master(ReviewLedger(one.network), request, content_bytes))
    )


@review.command("show")
@click.argument("request")
@with_party
@with_output
def show_review(output: Output, party: PartyChoice, request: str) -> None:
    """Show REQUEST with its verdicts and what deviating super nodes answered."""
    show_record(output, party.run(lambda one: ReviewLedger(one.network).review(request)))


@click.command()
@root_option
@_number
@with_party
@with_output
def receipts(output: Output, party: PartyChoice, root: str, number: int | None) -> None:
    """Show the deletion receipts of a round, and who has given none."""
    found = party.run(lambda one: _round(one, SystemIdentifier(root), number))
    gave = {one.receipt.node for one in found.receipts}
    missing: list[FieldValue] = [one.node for one in found.entries if one.node not in gave]
    shown: dict[str, FieldValue] = {
        "round": found.round.number,
        "state": found.round.state.value,
        "receipts": [one.receipt.to_value() for one in found.receipts],
        "missing": missing,
    }

    def drawn(value: Any) -> RenderableType:
        from rich.console import Group

        table = record_table(value["receipts"], ("node", "copies", "height", "is_swept"))
        return Group(fields({name: value[name] for name in ("round", "state", "missing")}), table)

    output.show(shown, drawn)


@click.command()
@root_option
@_number
@click.option(
    "--keys",
    "folders",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="A super node's folder of keys to look into; may be repeated.",
)
@with_party
@with_output
def audit(
    output: Output, party: PartyChoice, root: str, number: int | None, folders: tuple[Path, ...]
) -> None:
    """Ask each organisation's peer for the copies of a round; end with exit code 1 if one is there.

    Hashes are asked of all of them, values of the one that would have them; of keys, the folders are looked
    into that are given. Who signed for what is still there is named.
    """
    below = SystemIdentifier(root)

    async def asked(one: Party) -> dict[str, FieldValue]:
        view = await _round(one, below, number)
        keys = [RoundKeyStore(path) for path in folders]
        return (await audit_round(ReviewLedger(one.network), view, keys=keys)).to_value()

    found = party.run(asked)
    output.show(found, fields)
    if found["problems"]:
        raise click.exceptions.Exit(_PROBLEMS)


@click.command()
@root_option
@click.option(
    "--keys",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of its keys of rounds, on a file system that keeps no earlier blocks.",
)
@click.option(
    "--rule",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, executable=True, resolve_path=True),
    help="Its own rule: a program that gets a content on standard input, and approves by exit code 0.",
)
@click.option("--steps", type=click.IntRange(1), help="End after so many looks at the ledger.")
@with_party
@with_output
@with_watching
def node(
    output: Output, party: PartyChoice, root: str, folder: Path, rule: Path | None, steps: int | None
) -> None:
    """Run the calling agent's super node: enter rounds, review, delete copies and sign for it."""
    told: set[str] = set()

    def tell(error: GridLedgerError) -> None:
        if error.code not in told:
            told.add(error.code)
            output.step({"trouble": error.code, "message": error.message}, lambda value: str(value))

    async def run(one: Party) -> dict[str, FieldValue]:
        super_node = SuperNode(
            ReviewLedger(one.network),
            CouncilLedger(one.network),
            root=SystemIdentifier(root),
            node=one.key_id,
            sign=one.sign,
            keys=RoundKeyStore(folder),
            reviewer=without_rules if rule is None else program_rule(rule),
            on_trouble=tell,
        )
        output.step({"ready": one.key_id}, lambda value: f"ready {value['ready']}")
        if steps is None:
            await super_node.run()
        for _ in range(steps or 0):
            await super_node.step()
        return {"node": one.key_id, "keys": [*RoundKeyStore(folder).numbers()]}

    output.step(party.run(run), fields)


async def _round(party: Party, root: SystemIdentifier, number: int | None) -> RoundView:
    ledger = ReviewLedger(party.network)
    return await ledger.round(root, number or await ledger.newest_round(root))
