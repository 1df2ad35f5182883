"""`qscc`: blocks and transactions, looked up."""

from __future__ import annotations

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import proposal_response_pb2, transaction_pb2

from gridledger.network.devnet.channel import READERS, Channel
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.system_chaincode import SystemCall, error, success

__all__ = ["QueryChaincode"]

_FUNCTIONS = frozenset(
    {"GetChainInfo", "GetBlockByNumber", "GetBlockByHash", "GetTransactionByID", "GetBlockByTxID"}
)


class QueryChaincode:
    """Looks up what the ledger holds.

    Parameters
    ----------
    channel : Channel
        Who may look.
    ledger : Ledger
        What is looked at.
    """

    def __init__(self, channel: Channel, ledger: Ledger) -> None:
        self._channel = channel
        self._ledger = ledger

    async def invoke(self, call: SystemCall) -> proposal_response_pb2.Response:
        """Answer a call: function, channel and, but for GetChainInfo, what to look for."""
        arguments = call.arguments
        if len(arguments) < 2:
            return error(f"Incorrect number of arguments, {len(arguments)}")
        function, channel_id = (argument.decode(errors="replace") for argument in arguments[:2])
        if call.chaincode != "qscc":
            return error(
                "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, "
                "original invocation "
                f"for '{call.chaincode}'"
            )
        if function != "GetChainInfo" and len(arguments) < 3:
            return error(f"missing 3rd argument for {function}")
        if channel_id != self._channel.channel_id:
            return error(f"Invalid chain ID, {channel_id}")
        if function not in _FUNCTIONS:
            return error(
                f"access denied for [{function}][{channel_id}]: [Unmapped policy for qscc/{function}]"
            )
        try:
            self._channel.check_access(READERS, call.signed)
        except Refused as refusal:
            return error(f"access denied for [{function}][{channel_id}]: [{refusal.message}]")
        with self._ledger.snapshot() as snapshot:
            if function == "GetChainInfo":
                return success(_chain_info(snapshot))
            return _look_up(snapshot, function, arguments[2])


def _chain_info(snapshot: Snapshot) -> bytes:
    height = snapshot.height
    message = ledger_pb2.BlockchainInfo(
        height=height,
        currentBlockHash=snapshot.block_hash(height - 1),
        previousBlockHash=snapshot.block_hash(height - 2) if height > 1 else b"",
    )
    return bytes(message.SerializeToString())


def _look_up(snapshot: Snapshot, function: str, argument: bytes) -> proposal_response_pb2.Response:
    text = argument.decode(errors="replace")
    if function == "GetBlockByNumber":
        if not text.isascii() or not text.isdigit() or int(text) >= 1 << 64:
            return error(
                f'Failed to parse block number with error strconv.ParseUint: parsing "{text}": invalid syntax'
            )
        # The largest number stands for the newest block.
        number: int | None = snapshot.height - 1 if int(text) == (1 << 64) - 1 else int(text)
        failed = f"Failed to get block number {text}, error no such block number [{text}] in index"
    elif function == "GetBlockByHash":
        number = snapshot.block_number(argument)
        failed = f"Failed to get block hash {text}, error no such block hash [{argument.hex()}] in index"
    else:
        found = snapshot.transaction(text)
        missing = f"no such transaction ID [{text}] in index"
        if function == "GetTransactionByID":
            if found is None:
                return error(f"Failed to get transaction with id {text}, error {missing}")
            envelope = common_pb2.Envelope.FromString(snapshot.envelope(found.version))
            processed = transaction_pb2.ProcessedTransaction(
                transactionEnvelope=envelope, validationCode=found.code
            )
            return success(processed.SerializeToString())
        number = found.version.block if found is not None else None
        failed = f"Failed to get block for txID {text}, error {missing}"
    block = snapshot.block(number) if number is not None and number < snapshot.height else None
    return error(failed) if block is None else success(block.SerializeToString())
