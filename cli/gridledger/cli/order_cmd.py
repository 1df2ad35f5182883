"""`gridledger order`: orders with holds, deliveries, transaction contracts."""

from __future__ import annotations

from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_records
from gridledger.exchange.data_application import DEFAULT_HOLD_S, DataApplication
from gridledger.exchange.delivery_page import CsvPage
from gridledger.exchange.delivery_range import read_range
from gridledger.exchange.fetched import Fetched, QueryResult
from gridledger.exchange.party import Party
from gridledger.model.delivery import Delivery
from gridledger.model.errors import ConfigError, FieldValue, ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import SettledLine
from gridledger.model.period import Day
from gridledger.model.record import ModelValue, value
from gridledger.model.resolution import SignedRequest
from gridledger.model.trade import CountersignedContract, Order

__all__ = ["group"]

_CONTRACT_SUFFIX = ".contract.json"
_UNDELIVERED = 1


@value
class _Line(ModelValue):
    """What came of one owner, as a line of a table."""

    owner: str
    rows: int | None = None
    content: str | None = None
    error: str | None = None
    order: str | None = None


@click.group("order")
def group() -> None:
    """Order, fetch, settle and take back, as a data application."""


@group.command()
@click.argument("application")
@click.argument("resolution")
@click.option("--hold", "hold_s", default=DEFAULT_HOLD_S, show_default=True, help="Seconds to deliver in.")
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def place(
    output: Output,
    party: PartyChoice,
    application: str,
    resolution: str,
    hold_s: int,
    call_key: str | None,
) -> None:
    """Order what RESOLUTION forwards, and hold its price."""

    async def work(one: Party) -> Order:
        found = await one.ledger.resolution(resolution)
        ordering = DataApplication(one, SystemIdentifier(application))
        return await ordering.order(found, hold_s=hold_s, call_key=call_key)

    show_record(output, party.run(work))


@group.command()
@click.argument("application")
@click.argument("order")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the deliveries and contracts.",
)
@with_party
@with_output
def fetch(output: Output, party: PartyChoice, application: str, order: str, out: Path) -> None:
    """Fetch what ORDER paid for, prove every row, and have the contracts countersigned.

    The folder gets, for each owner, its delivery, the contract with both signatures, and the signed answer.
    Exit code 1 if an owner did not deliver.
    """

    async def work(one: Party) -> tuple[Fetched, ...]:
        placed = await one.ledger.order(order)
        resolution = await one.ledger.resolution(placed.resolution)
        return await DataApplication(one, SystemIdentifier(application)).fetch(resolution, placed)

    out.mkdir(parents=True, exist_ok=True)
    with output.progress("fetching"):
        fetched = party.run(work)
    for one in fetched:
        _keep(one, out)
    show_records(output, [_line(one) for one in fetched], ("owner", "rows", "content", "error"))
    if any(one.error is not None for one in fetched):
        raise click.exceptions.Exit(_UNDELIVERED)


@group.command()
@click.argument("application")
@click.argument("order")
@click.argument("owner")
@click.option("--first", metavar="DAY", help="First day; that of the order by default.")
@click.option("--last", metavar="DAY", help="Last day; that of the order by default.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File for the rows (CSV)."
)
@with_party
@with_output
def rows(
    output: Output,
    party: PartyChoice,
    application: str,
    order: str,
    owner: str,
    first: str | None,
    last: str | None,
    out: Path,
) -> None:
    """Read what ORDER paid OWNER for, prove every row, and write the rows with their salts as CSV."""

    async def work(one: Party) -> Delivery:
        placed = await one.ledger.order(order)
        return await read_range(
            DataApplication(one, SystemIdentifier(application)),
            await one.ledger.resolution(placed.resolution),
            placed,
            SystemIdentifier(owner),
            first=None if first is None else Day.parse(first),
            last=None if last is None else Day.parse(last),
        )

    with output.progress("reading"):
        delivery = party.run(work)
    out.write_bytes(CsvPage(delivery.periods).to_bytes())
    shown: dict[str, FieldValue] = {"owner": owner, "rows": delivery.rows(), "file": str(out)}
    output.show(shown, fields)


@group.command()
@click.argument("application")
@click.argument("request", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--hold", "hold_s", default=DEFAULT_HOLD_S, show_default=True, help="Seconds to deliver in.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the deliveries and contracts.",
)
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def agreed(
    output: Output,
    party: PartyChoice,
    application: str,
    request: Path,
    hold_s: int,
    out: Path,
    call_key: str | None,
) -> None:
    """Order, fetch and settle a signed REQUEST under agreements, without a resolution of its own.

    The folder gets what `order fetch` puts there. Exit code 1 if an owner did not deliver.
    """
    signed = SignedRequest.from_bytes(request.read_bytes())

    async def work(one: Party) -> QueryResult:
        asking = DataApplication(one, SystemIdentifier(application))
        return await asking.query_agreed(signed, hold_s=hold_s, call_key=call_key)

    out.mkdir(parents=True, exist_ok=True)
    with output.progress("asking the owners"):
        result = party.run(work)
    for one in result.fetched:
        _keep(one, out)
    lines = [_line(one, result.order) for one in result.fetched]
    show_records(output, lines, ("order", "owner", "rows", "content", "error"))
    if any(one.error is not None for one in result.fetched):
        raise click.exceptions.Exit(_UNDELIVERED)


@group.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--call-key", help="Key of this call, to repeat it after a crash.")
@with_party
@with_output
def settle(output: Output, party: PartyChoice, folder: Path, call_key: str | None) -> None:
    """Deposit the contracts in FOLDER, which `order fetch` made; the owners are paid with it."""
    files = sorted(folder.glob(f"*{_CONTRACT_SUFFIX}"))
    if not files:
        raise ConfigError(f"has no *{_CONTRACT_SUFFIX}", key="folder", source=str(folder))
    contracts = [_read_contract(path) for path in files]

    async def work(one: Party) -> tuple[SettledLine, ...]:
        return await one.ledger.deposit_contracts(contracts, call_key=call_key)

    show_records(output, party.run(work), ("order", "owner", "amount_milliyuan"))


@group.command("return")
@click.argument("order")
@click.argument("owners", nargs=-1, required=True)
@with_party
@with_output
def return_(output: Output, party: PartyChoice, order: str, owners: tuple[str, ...]) -> None:
    """Take back the money of owners that did not deliver before the deadline."""
    identifiers = [SystemIdentifier(one) for one in owners]
    show_record(output, party.run(lambda one: one.ledger.return_holds(order, identifiers)))


@group.command()
@click.argument("order")
@with_party
@with_output
def show(output: Output, party: PartyChoice, order: str) -> None:
    """Show an order, a line for each owner."""
    placed = party.run(lambda one: one.ledger.order(order))
    show_records(output, placed.lines, ("system", "fields", "amount_milliyuan"))


@group.command()
@click.argument("order")
@click.argument("owner")
@with_party
@with_output
def contract(output: Output, party: PartyChoice, order: str, owner: str) -> None:
    """Show the transaction contract of a line of an order."""
    show_record(output, party.run(lambda one: one.ledger.contract(order, SystemIdentifier(owner))))


@group.command()
@click.argument("order")
@click.argument("owner")
@with_party
@with_output
def settlement(output: Output, party: PartyChoice, order: str, owner: str) -> None:
    """Show what became of a hold: settled or returned."""
    show_record(output, party.run(lambda one: one.ledger.settlement(order, SystemIdentifier(owner))))


def _keep(fetched: Fetched, folder: Path) -> None:
    if fetched.delivery is not None:
        (folder / f"{fetched.owner}.delivery.json").write_bytes(fetched.delivery.to_bytes())
    if fetched.contract is not None:
        (folder / f"{fetched.owner}{_CONTRACT_SUFFIX}").write_bytes(fetched.contract.to_bytes())
    if fetched.evidence is not None:
        (folder / f"{fetched.owner}.evidence.json").write_bytes(fetched.evidence.to_bytes())


def _line(fetched: Fetched, order: Order | None = None) -> _Line:
    delivery = fetched.delivery
    return _Line(
        owner=str(fetched.owner),
        rows=delivery.rows() if delivery else None,
        content=str(delivery.digest()) if delivery else None,
        error=str(fetched.error) if fetched.error else None,
        order=order.id if order else None,
    )


def _read_contract(path: Path) -> CountersignedContract:
    try:
        return CountersignedContract.from_bytes(path.read_bytes())
    except ModelError as error:
        raise ConfigError("is no countersigned contract", key="folder", source=str(path)) from error
