"""What a chaincode sees of one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gridledger.model.errors import ModelError
from gridledger.model.refusals import WriteInQuery
from gridledger.shim import wire
from gridledger.shim.composite_key import create_composite_key, split_composite_key
from gridledger.shim.creator import Creator
from gridledger.shim.peer_transaction import PeerTransaction
from gridledger.shim.private_data import PrivateDataAccess
from gridledger.shim.proposal import Proposal, SignedProposal, Timestamp
from gridledger.shim.response import Response
from gridledger.shim.state import StateAccess
from gridledger.shim.wire import Message, MessageType
from gridledger.shim.write_batch import batch_payloads

__all__ = ["ChaincodeStub"]

_WRITE_BATCH_STATE = MessageType.WRITE_BATCH_STATE


class ChaincodeStub(StateAccess, PrivateDataAccess):
    """One transaction: its arguments, its proposal, and the ledger below it.

    Names are those of the official shims in snake_case. What asks the peer is a coroutine; many may run at
    once in one transaction and are asked in order. What the proposal alone tells is a plain function and
    raises `ProtocolError` where the peer sent no proposal, as for its own start of a chaincode.

    The server makes stubs; tests take `gridledger.shim.testing`.
    """

    def __init__(self, transaction: PeerTransaction, message: Message) -> None:
        self._transaction = transaction
        self._input = wire.read_input(message.payload)
        self._message = message
        self._parsed_proposal: Proposal | None = None
        self._batch: list[bytes] | None = None
        self._event: tuple[str, bytes] | None = None

    @property
    def _proposal(self) -> Proposal:
        # Many a function asks nothing of it.
        if self._parsed_proposal is None:
            self._parsed_proposal = Proposal(self._message.raw)
        return self._parsed_proposal

    # --- the call

    def get_args(self) -> list[bytes]:
        """Return all arguments; the first is the function's name by convention."""
        return self._input.args

    def get_string_args(self) -> list[str]:
        """Return all arguments as text.

        Raises
        ------
        ModelError
            If one of them is not UTF-8.
        """
        try:
            return [argument.decode() for argument in self._input.args]
        except UnicodeDecodeError as exc:
            raise ModelError({"args": "are not all UTF-8"}, subject="arguments") from exc

    def get_function_and_parameters(self) -> tuple[str, list[str]]:
        """Return the function's name (empty if there are no arguments) and the other arguments, as text."""
        function, *parameters = self.get_string_args() or [""]
        return function, parameters

    def get_tx_id(self) -> str:
        """Return the transaction id: hexadecimal SHA-256 of nonce and creator."""
        return self._transaction.tx_id

    def get_channel_id(self) -> str:
        """Return the channel's name."""
        return self._transaction.channel_id

    def get_tx_timestamp(self) -> Timestamp:
        """Return the time that the client claims, which a peer checks to 15 minutes at endorsement only."""
        return self._proposal.timestamp

    def get_creator(self) -> Creator:
        """Return who signed the proposal: MSP, certificate, attributes."""
        return self._proposal.creator

    def get_signed_proposal(self) -> SignedProposal:
        """Return the proposal's bytes and the creator's signature."""
        return self._proposal.signed

    def get_binding(self) -> bytes:
        """Return SHA-256 over nonce, creator and epoch, which ties data to this proposal."""
        return self._proposal.binding

    def get_transient(self) -> dict[str, bytes]:
        """Return the data that travels with the proposal and does not reach the ledger."""
        return self._proposal.transient

    def get_decorations(self) -> dict[str, bytes]:
        """Return what the peer's decorators added."""
        return self._input.decorations

    @property
    def is_init(self) -> bool:
        """Whether this is the first call of a chaincode that was approved with ``--init-required``."""
        return self._input.is_init

    # --- keys

    @staticmethod
    def create_composite_key(object_type: str, attributes: Iterable[str]) -> str:
        """Join an object type and attributes to a key; see `composite_key.create_composite_key`."""
        return create_composite_key(object_type, attributes)

    @staticmethod
    def split_composite_key(key: str) -> tuple[str, list[str]]:
        """Take a composite key apart; see `composite_key.split_composite_key`."""
        return split_composite_key(key)

    # --- what is neither state nor private data

    def set_event(self, name: str, payload: bytes = b"") -> None:
        """Set the transaction's event, which listeners get when it has committed; the last one counts.

        Raises
        ------
        ModelError
            If the name is empty.
        WriteInQuery
            In a query of the contract layer.
        """
        if self._query:
            raise WriteInQuery(self._query)
        if not name:
            raise ModelError({"name": "must not be empty"}, subject="event")
        self._event = (name, payload)

    @property
    def event(self) -> tuple[str, bytes] | None:
        """The event set so far: name and payload."""
        return self._event

    async def invoke_chaincode(
        self, chaincode: str, args: Sequence[bytes | str], channel: str = ""
    ) -> Response:
        """Call another chaincode within this transaction.

        Parameters
        ----------
        chaincode : str
            Its name as deployed.
        args : sequence of bytes or str
            Function and arguments.
        channel : str, default ""
            Another channel; what is written there is not kept. Empty is this channel.

        Returns
        -------
        Response
            What it answered, also where that is an error.

        Raises
        ------
        PeerError
            If the peer could not call it: it is not deployed, or the caller may not.

        Notes
        -----
        Its writes join this transaction's. They stay even if it then refuses: end the transaction with an
        error, too.
        """
        name = f"{chaincode}/{channel}" if channel else chaincode
        raw = [argument.encode() if isinstance(argument, str) else argument for argument in args]
        payload = await self._transaction.ask(MessageType.INVOKE_CHAINCODE, wire.invoke_chaincode(name, raw))
        return wire.read_called(payload)

    # --- batches

    def start_write_batch(self) -> None:
        """Hold back writes until `finish_write_batch`, where the peer takes batches; else do nothing.

        The server finishes a batch that is left open when the chaincode answers with success, and drops it
        when it answers with an error.
        """
        if self._batch is None and self._transaction.announcement.write_batch_size:
            self._batch = []

    async def finish_write_batch(self) -> None:
        """Send the writes held back, in their order, in as few messages as the peer's limits allow.

        Raises
        ------
        PeerError
            If the peer refuses one of them; which ones it took is then open, so end the transaction with an
            error.
        """
        batch, self._batch = self._batch, None
        if not batch:
            return
        for payload in batch_payloads(batch, self._transaction.announcement.write_batch_size):
            await self._transaction.ask(_WRITE_BATCH_STATE, payload)
