"""`gridledger response export|prove|verify`: records that stay provable, and their proofs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from gridledger.cli.command import with_output
from gridledger.cli.output import Output, fields
from gridledger.cli.response_option import Settings, SettingsChoice, with_settings
from gridledger.cli.trust_option import OUT, TrustChoice, read_file, with_trust, write_out
from gridledger.model.digest import Digest
from gridledger.model.errors import FieldValue
from gridledger.model.record_proof import RecordProof
from gridledger.model.response import TerminalIdentifier
from gridledger.response.certificate import prove_record, verify_record
from gridledger.response.kept import KeptRecord
from gridledger.response.programs import open_party, open_store
from gridledger.response.run_export import RunExport, RunFolder
from gridledger.response.settings import TerminalSettings

__all__ = ["commands"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_settings
@with_output
def export(output: Output, choice: SettingsChoice, folder: Path) -> None:
    """Write anchored runs whose rows are here to FOLDER, a file each: they prove records without the rows."""
    store, kept = open_store(choice.any()), RunFolder(folder)
    runs = records = 0
    try:
        with output.progress("exporting") as tell:
            for one in store.exports():
                kept.keep(one)
                runs, records = runs + 1, records + len(one.records)
                tell(f"{runs} runs, {records} records")
    finally:
        store.close()
    output.show({"runs": runs, "records": records, "folder": str(folder)}, fields)


@click.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--terminal", "terminal_id", help="Which terminal's, from a server's configuration.")
@click.option(
    "--run",
    "run_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Its run, as `export` or the chain module wrote it: where the row is gone.",
)
@OUT
@with_settings
@with_output
def prove(
    output: Output,
    choice: SettingsChoice,
    number: int,
    terminal_id: str | None,
    run_file: Path | None,
    out: Path,
) -> None:
    """Write a proof of record NUMBER, which a third party verifies offline."""
    settings = choice.any()
    if run_file is None:
        kept, leaves = _stored(settings, terminal_id, number)
    else:
        run = RunExport.from_bytes(read_file(run_file))
        kept, leaves = run.record(number), run.leaves
    proof = asyncio.run(_prove(settings, kept, leaves))
    data = proof.to_bytes()
    write_out(out, data)
    output.show({"record": number, "file": str(out), "bytes": len(data)}, fields)


def _stored(settings: Settings, terminal_id: str | None, number: int) -> tuple[KeptRecord, Sequence[Digest]]:
    """Return a record and the digests of its run, from the store."""
    if isinstance(settings, TerminalSettings):
        identifier = settings.terminal
    elif terminal_id is not None:
        identifier = TerminalIdentifier.parse(terminal_id)
    else:
        raise click.UsageError("want --terminal with a server's configuration")
    store = open_store(settings)
    try:
        return store.record(identifier, number), store.run_of(identifier, number).leaves
    finally:
        store.close()


async def _prove(settings: Settings, kept: KeptRecord, leaves: Sequence[Digest]) -> RecordProof:
    async with open_party(settings) as party:
        return await prove_record(party.network, kept, leaves)


@click.command()
@click.argument("record", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_trust
@with_output
def verify(output: Output, trust: TrustChoice, record: Path) -> None:
    """Verify the proof in RECORD without a network: what was sent, when, and whether both sides agree."""
    found = verify_record(RecordProof.from_bytes(read_file(record)), trust.open())
    value: dict[str, FieldValue] = {
        "terminal": found.terminal,
        "number": found.number,
        "time_ms": found.time_ms,
        "data": found.data.decode("utf-8", "replace"),
        "state": found.state.value,
        "anchored_ms": found.anchored_ms,
        "server_anchored_ms": found.server_anchored_ms,
        "transaction": found.tx_id,
        "channel": found.channel,
        "block": found.block_number,
        "block_hash": found.block_hash.hex(),
        "orderers": found.orderers,
        "executed_by": ", ".join(found.executed_by),
        "read_by": ", ".join(found.read_by),
        "read_mark_ms": found.mark_ms,
    }
    output.show(value, fields)


commands = (export, prove, verify)
