"""`gridledger edge send`, `scan`, `fetch`, `audit`: what becomes of a record."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

import click

from gridledger.cli.command import with_output
from gridledger.cli.duration_option import Duration
from gridledger.cli.edge_device_cmd import key_option, node_option, wallet_option
from gridledger.cli.output import Output, fields
from gridledger.cli.party_option import PartyChoice, with_party
from gridledger.cli.record_view import show_record, show_rows
from gridledger.crypto.cryptonote.stealth import SpendSecret, StealthAddress, ViewSecret
from gridledger.crypto.errors import KeyMalformed
from gridledger.crypto.secret_key import SecretKey
from gridledger.edge import EdgeLedger, MembershipWallet, Receiver, SideDevice, collect_period
from gridledger.edge import scan as scan_deposits
from gridledger.edge.audit import audit_period
from gridledger.edge.messages import Taken
from gridledger.edge.ring_drawing import draw_delay_s
from gridledger.edge.sealed_record import publish_address
from gridledger.exchange.party import Party
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.states import ApplicationState
from gridledger.web import OpenClient

__all__ = ["audit", "fetch", "scan_period", "send"]

_period = click.argument("period", type=click.IntRange(1, 999_999))
_file = click.Path(path_type=Path, dir_okay=False)


@click.command("send")
@click.argument("issuer")
@_period
@click.argument("record", type=click.File("rb"))
@click.option("--to", "receiver", required=True, help="The receiver's, as `edge device address` shows it.")
@node_option
@wallet_option
@click.option("--within", "within_ms", type=Duration(), help="Wait until a moment drawn within this time.")
@key_option
@with_output
def send(
    output: Output,
    issuer: str,
    period: int,
    record: BinaryIO,
    receiver: str,
    node: str,
    wallet: Path,
    within_ms: int | None,
    key_file: Path,
) -> None:
    """Send the file RECORD (- for standard input) as a side device of ISSUER: sealed, signed by a ring."""
    secret, payload = SpendSecret(SecretKey.load(key_file)), record.read()
    address = publish_address(StealthAddress.parse(receiver))

    async def work() -> Taken:
        if within_ms is not None:
            await asyncio.sleep(draw_delay_s(within_ms / 1000))
        with MembershipWallet(wallet, secret) as keys:
            async with OpenClient(node) as client:
                device = SideDevice(keys, client)
                return await device.send(payload, address, issuer=SystemIdentifier(issuer), period=period)

    show_record(output, asyncio.run(work()))


@click.command("scan")
@click.argument("issuer")
@_period
@click.option("--key", "key_file", type=_file, help="File of the address's secret.")
@click.option(
    "--view", "view_file", type=_file, help="File of its view secret: `edge device view` writes it."
)
@click.option("--address", help="Of --view.")
@with_party
@with_output
def scan_period(
    output: Output,
    party: PartyChoice,
    issuer: str,
    period: int,
    key_file: Path | None,
    view_file: Path | None,
    address: str | None,
) -> None:
    """Find the envelopes of PERIOD that are for an address: by --key, or as a gateway by --view."""
    view = _view(key_file, view_file, address)

    async def work(one: Party) -> list[FieldValue]:
        deposits = EdgeLedger(one.network).deposits(SystemIdentifier(issuer), period)
        return [found.at.to_value() async for found in scan_deposits(view, deposits)]

    show_rows(output, party.run(work), ("deposit", "deposited_ms", "entry.node"))


@click.command("fetch")
@click.argument("issuer")
@_period
@click.option("--root", required=True, help="Whose storage nodes are asked.")
@click.option("--sign", is_flag=True, help="Have a receipt deposited for each envelope that opens.")
@key_option
@with_party
@with_output
def fetch(
    output: Output, party: PartyChoice, issuer: str, period: int, root: str, sign: bool, key_file: Path
) -> None:
    """Fetch and open the envelopes of PERIOD for the address of --key; exit code 1 if one cannot be had."""
    secret = SpendSecret(SecretKey.load(key_file))

    async def work(one: Party) -> bool:
        ledger, system = EdgeLedger(one.network), SystemIdentifier(issuer)
        nodes = await ledger.nodes(SystemIdentifier(root))
        approved = [node for node in nodes if node.state is ApplicationState.APPROVED]
        whole = True
        async with Receiver(secret, approved) as receiver:
            async for got in collect_period(receiver, secret.view, ledger, system, period, sign=sign):
                shown: dict[str, FieldValue] = {"deposit": got.deposit}
                if got.record is not None:
                    shown["record"] = got.record.decode("utf-8", errors="backslashreplace")
                if got.problem is not None:
                    shown["problem"], whole = f"{got.problem.code} {got.problem.message}", False
                output.step(shown, fields)
        return whole

    if not party.run(work):
        raise click.exceptions.Exit(1)


@click.command("audit")
@click.argument("issuer")
@_period
@with_party
@with_output
def audit(output: Output, party: PartyChoice, issuer: str, period: int) -> None:
    """Check every deposit and receipt of PERIOD from the ledger alone; exit code 1 if one does not hold."""
    with output.progress("checking ring signatures"):
        found = party.run(lambda one: audit_period(EdgeLedger(one.network), SystemIdentifier(issuer), period))
    problems: list[FieldValue] = [{"deposit": deposit, "problem": text} for deposit, text in found.problems]
    value: dict[str, FieldValue] = {
        "keys": found.keys,
        "deposits": found.deposits,
        "receipts": found.receipts,
        "problems": problems,
    }
    output.show(value, fields)
    if problems:
        raise click.exceptions.Exit(1)


def _view(key_file: Path | None, view_file: Path | None, address: str | None) -> ViewSecret:
    if key_file is not None and view_file is None and address is None:
        return SpendSecret(SecretKey.load(key_file)).view
    if key_file is not None or view_file is None or address is None:
        raise click.UsageError("want --key, or --view and --address")
    wanted = StealthAddress.parse(address)
    view = ViewSecret(SecretKey.load(view_file), wanted.spend_key)
    if view.address != wanted:
        raise KeyMalformed(f"{view_file} is not the view secret of that address", path=str(view_file))
    return view
