"""Proofs of records: what a terminal sent, when, and that both sides anchored the same; checked offline.

| what | by |
|---|---|
| what was sent, and the terminal's time | data and salt lead to the record's data digest |
| the record stands in the run | its Merkle proof to the anchored root |
| the terminal's transaction was ordered, at this place of the chain | a quorum of orderers |
| who made it, and that two organisations executed it alike | signatures of creator and endorsers |
| it was valid, when, and that the server anchored the same | a read endorsed by two organisations |

Source: CN115334117A, claim 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gridledger.client import Network
from gridledger.client.block_proof import make_block_proof, verify_blocks
from gridledger.client.block_search import configurations_of, transaction_of
from gridledger.client.channel_trust import ChannelTrust
from gridledger.client.endorsed_read import (
    read_endorsed,
    verify_endorsed_read,
    verify_transaction,
    written_by,
)
from gridledger.client.errors import ProofRefused
from gridledger.model.argument import decode_argument
from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.keys import KeyPrefix
from gridledger.model.proof import LEAST_ORGANISATIONS
from gridledger.model.record_proof import RecordProof
from gridledger.model.response import RunAnchor, RunComparison, RunName, leaves_tree
from gridledger.model.states import RunState
from gridledger.response.errors import AnchoredOtherwise, RecordUnknown
from gridledger.response.kept import KeptRecord
from gridledger.response.ledger import CONTRACT

__all__ = ["VerifiedRecord", "prove_record", "verify_record"]

_FUNCTION: Final = "GetRun"


@dataclass(frozen=True, kw_only=True)
class VerifiedRecord:
    """What a proof of a record proves."""

    terminal: str
    number: int
    time_ms: int
    """When the terminal accepted it, by its own clock."""
    data: bytes
    state: RunState
    anchored_ms: int
    """When the terminal's transaction was made, held against the ledger's time mark; the server's where the
    state is "server alone"."""
    server_anchored_ms: int | None
    channel: str
    block_number: int
    block_hash: bytes
    orderers: int
    tx_id: str
    executed_by: tuple[str, ...]
    read_by: tuple[str, ...]
    mark_ms: int
    """The ledger's time mark at the read."""


async def prove_record(
    network: Network, kept: KeptRecord, leaves: Sequence[Digest], *, organizations: Sequence[str] = ()
) -> RecordProof:
    """Collect what proves a record that its terminal anchored, or its server for one without a key.

    Parameters
    ----------
    network : Network
        Of any member of the channel.
    kept : KeptRecord
        With data and salt: from the store, or from an exported run (`RunExport.record`) when its row is gone.
    leaves : sequence of Digest
        What stands for each record of its run: `KeptRun.leaves` of the store, or `RunExport.leaves`.
    organizations : sequence of str, optional
        MSPs whose peers read the run; two of the channel by default.

    Raises
    ------
    RecordUnknown
        The run is not anchored by the terminal yet, or the server refused the record.
    AnchoredOtherwise
        The ledger has another run than these digests are of.
    EndorseError
        Peers of two organisations did not answer alike.
    ProofRefused
        The block is not signed as Fabric's orderers or devnet's sign.
    """
    record = kept.record
    name = RunName(terminal=record.terminal, first=record.run)
    contract = network.contract(None, CONTRACT)
    found = decode_argument(RunComparison, await contract.evaluate(_FUNCTION, name))
    anchor = _anchor_of(found)
    if anchor is None or not leaves:
        raise RecordUnknown(f"the run of record {record.number} is not anchored")
    tree, place = leaves_tree(leaves), record.number - record.run
    if tree.root != anchor.run.root:
        raise AnchoredOtherwise(f"the ledger has another run of {record.terminal} from {record.run} on")
    if leaves[place] != record.leaf:
        raise RecordUnknown(f"the server refused record {record.number}: {kept.code}")
    block = await network.block_of(anchor.tx_id)
    trust, configurations = await configurations_of(network, block)
    asked = organizations or sorted(trust.peers)[:LEAST_ORGANISATIONS]
    return RecordProof(
        record=record,
        data=kept.data,
        salt=kept.salt,
        inclusion=tree.proof(place),
        anchoring=make_block_proof(block, trust),
        configurations=configurations,
        reading=await read_endorsed(contract, _FUNCTION, name, organizations=asked),
    )


def verify_record(proof: RecordProof, trust: ChannelTrust) -> VerifiedRecord:
    """Check a proof of a record, without asking anybody.

    Parameters
    ----------
    proof : RecordProof
    trust : ChannelTrust
        What the verifier believes of the channel, from another source than the proof.

    Raises
    ------
    ProofRefused
        Anything in it does not hold. A run in which both sides differ, or that the server has not anchored,
        is no such case: `VerifiedRecord.state` says so.
    """
    record = proof.record
    if Digest.salted(proof.salt, proof.data) != record.data:
        raise ProofRefused("the data are not those of the record")
    block, trust = verify_blocks(proof.configurations, proof.anchoring, trust)
    answer = verify_endorsed_read(proof.reading, trust)
    try:
        found = decode_argument(RunComparison, answer.result)
    except ModelError as error:
        raise ProofRefused("the read's answer is no comparison of a run") from error
    anchor = _anchor(proof, found)
    if answer.arguments[0] != f"{CONTRACT}:{_FUNCTION}".encode():
        raise ProofRefused("the read is of another function")
    run = anchor.run
    if not proof.inclusion.proves(record.leaf.raw, root=run.root, size=run.count):
        raise ProofRefused("the record does not stand in the run that was anchored")
    if proof.inclusion.index != record.number - run.first:
        raise ProofRefused("the record stands at another place of its run")
    transaction = transaction_of(block, anchor.tx_id)
    executed = verify_transaction(transaction, trust)
    if (executed.channel, executed.chaincode) != (answer.channel, answer.chaincode):
        raise ProofRefused("the anchor is of another channel or chaincode than the read")
    _check_written(transaction.read_write_set, executed.chaincode, anchor)
    return VerifiedRecord(
        terminal=str(record.terminal),
        number=record.number,
        time_ms=record.time_ms,
        data=proof.data,
        state=found.state,
        anchored_ms=anchor.anchored_ms,
        server_anchored_ms=None if found.by_server is None else found.by_server.anchored_ms,
        channel=answer.channel,
        block_number=block.number,
        block_hash=block.header_hash,
        orderers=len(proof.anchoring.signatures),
        tx_id=anchor.tx_id,
        executed_by=executed.organisations,
        read_by=answer.organisations,
        mark_ms=found.mark_ms,
    )


def _anchor(proof: RecordProof, found: RunComparison) -> RunAnchor:
    """Return the anchor that is proven, if the answer is of the record's run."""
    record = proof.record
    anchor = _anchor_of(found)
    if (found.terminal, found.first) != (record.terminal, record.run) or anchor is None:
        raise ProofRefused(f"the read's answer is not of the run of record {record.number}")
    return anchor


def _anchor_of(found: RunComparison) -> RunAnchor | None:
    """Return the terminal's anchor, or the server's where the terminal has no key."""
    return found.by_server if found.state is RunState.SERVER_ALONE else found.by_terminal


def _check_written(results: bytes, chaincode: str, anchor: RunAnchor) -> None:
    """Check that the transaction wrote the anchor that was read."""
    run = anchor.run
    parts = (KeyPrefix.RUN_ANCHOR.value, str(run.terminal), f"{run.first:010}", anchor.side.value)
    # A composite key: each part between zero characters.
    key = "".join(("\0", *(f"{part}\0" for part in parts)))
    if written_by(results).get((chaincode, key)) != anchor.to_bytes():
        raise ProofRefused(f"transaction {anchor.tx_id} did not write the anchor that was read")
