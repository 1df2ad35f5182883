"""The errors of a transaction's steps, each with the transaction's id and what every endorser said.

GatewayError                GL-GTW-001  exit 40
├─ EvaluateError            GL-GTW-002  exit 41   a query was refused or not answered
├─ EndorseError             GL-GTW-003  exit 42   the endorsements could not be collected; nothing was ordered
│  └─ EndorsementsDiffer    GL-GTW-011  exit 42   … since the peers were not at the same block
├─ SubmitError              GL-GTW-004  exit 43   ordering refused it, or (see `ambiguous`) may have taken it
├─ CommitStatusError        GL-GTW-005  exit 44   one question for the outcome was not answered
├─ CommitError              GL-GTW-006  exit 45   ordered, and invalid
│  └─ CommitConflict        GL-GTW-007  exit 46   … since others wrote what it had read; a new one may be made
├─ OutcomeUnknown           GL-GTW-008  exit 47   may or may not be ordered; never to be repeated blindly
├─ EventsError              GL-GTW-009  exit 48   a stream of events ended
└─ PeerCallError            GL-GTW-010  exit 49   a peer refused or did not answer a direct call

CryptoError                 GL-CRY-001  exit 30
└─ ProofRefused             GL-CRY-003  exit 32   what was to be verified offline does not hold
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridledger.client.validation import ValidationCode
from gridledger.model.errors import CryptoError, FieldValue, GatewayError

__all__ = [
    "CommitConflict",
    "CommitError",
    "CommitStatusError",
    "EndorseError",
    "EndorsementsDiffer",
    "EndpointDetail",
    "EvaluateError",
    "EventsError",
    "OutcomeUnknown",
    "PeerCallError",
    "ProofRefused",
    "RpcError",
    "SubmitError",
]

# Answers after which an orderer may hold the envelope all the same: the call may have been cut off half-way.
_AMBIGUOUS = frozenset({"CANCELLED", "UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointDetail:
    """What one peer or orderer behind the gateway answered."""

    address: str
    """Host and port of the node."""

    msp_id: str
    """MSP of the organisation that the node belongs to."""

    message: str
    """The node's own words."""

    def __str__(self) -> str:
        place = f"{self.address} ({self.msp_id})" if self.msp_id else self.address
        return f"{place}: {' '.join(self.message.split())}"


class RpcError(GatewayError):
    """Base of the errors that a gRPC call of one transaction ended in.

    Parameters
    ----------
    message : str
        The gateway's words.
    tx_id : str
        Transaction id; empty where the call belongs to none.
    grpc_status : str
        Name of the gRPC status, such as ``UNAVAILABLE``.
    details : sequence of EndpointDetail
        An entry for each node that the gateway asked and that failed.
    **fields
        Further named values of the class.
    """

    def __init__(
        self,
        message: str,
        *,
        tx_id: str = "",
        grpc_status: str,
        details: Sequence[EndpointDetail] = (),
        **fields: FieldValue,
    ) -> None:
        self.reason = message
        self.tx_id = tx_id
        self.grpc_status = grpc_status
        self.details = tuple(details)
        listed: list[FieldValue] = [
            {"address": detail.address, "msp_id": detail.msp_id, "message": detail.message}
            for detail in self.details
        ]
        words = " ".join(message.split())
        head = words if grpc_status == "OK" else f"{grpc_status}: {words}"
        text = "; ".join([head, *map(str, self.details)])
        super().__init__(
            f"transaction {tx_id}: {text}" if tx_id else text,
            tx_id=tx_id,
            grpc_status=grpc_status,
            details=listed,
            **fields,
        )


class EvaluateError(RpcError):
    """A query was refused or not answered in time."""

    code = "GL-GTW-002"
    exit_code = 41


class EndorseError(RpcError):
    """The endorsements could not be collected; nothing was sent to ordering."""

    code = "GL-GTW-003"
    exit_code = 42


class EndorsementsDiffer(EndorseError):
    """One organisation's peer endorsed, another's refused or answered otherwise; nothing was ordered.

    Notes
    -----
    Peers commit a block at slightly different moments, so that a call right after one of another organisation
    finds some of them a block behind. A new transaction a moment later finds them alike; that is why it may
    be made. Where the peers really disagree, it ends the same way again.
    """

    code = "GL-GTW-011"
    retriable = True


class SubmitError(RpcError):
    """The ordering service did not acknowledge the transaction.

    Notes
    -----
    `ambiguous` says whether it may be ordered all the same: Fabric counts "request already processed" as a
    failure, and a call may be cut off after the envelope has left. `Contract.submit` settles that; who calls
    `Transaction.submit` alone asks `Commit.status`.
    """

    code = "GL-GTW-004"
    exit_code = 43

    @property
    def ambiguous(self) -> bool:
        """Whether the envelope may have reached an orderer."""
        return self.grpc_status in _AMBIGUOUS


class CommitStatusError(RpcError):
    """The outcome could not be learned by this call; the transaction may be committed, invalid or lost."""

    code = "GL-GTW-005"
    exit_code = 44


class CommitError(GatewayError):
    """The transaction was ordered and found invalid by the peers: it changed nothing.

    Parameters
    ----------
    tx_id : str
        Transaction id.
    validation_code : ValidationCode
        Why it is invalid.
    block_number : int
        Block in which it stands.
    """

    code = "GL-GTW-006"
    exit_code = 45

    def __init__(self, *, tx_id: str, validation_code: ValidationCode, block_number: int) -> None:
        self.tx_id = tx_id
        self.validation_code = validation_code
        self.block_number = block_number
        super().__init__(
            f"transaction {tx_id} in block {block_number} is invalid: {validation_code.name}",
            tx_id=tx_id,
            validation_code=validation_code.name,
            block_number=block_number,
        )


class CommitConflict(CommitError):
    """The transaction lost a race: what it had read was written before it was committed."""

    code = "GL-GTW-007"
    exit_code = 46
    retriable = True


class OutcomeUnknown(GatewayError):
    """Nobody has said whether the transaction is committed, and the deadline has passed.

    Parameters
    ----------
    message : str
        What was tried.
    tx_id : str
        Transaction id to ask for later.
    call_key : str, optional
        Call key under which `Contract.settle_call` can decide the call.
    result : bytes, optional
        What the contract returned when it was endorsed; it holds only if the transaction turns out to be
        valid.

    Notes
    -----
    Not retriable: a second transaction for the same call could execute it twice. Ask again with
    `Network.commit(tx_id)`, or settle the call key.
    """

    code = "GL-GTW-008"
    exit_code = 47

    def __init__(self, message: str, *, tx_id: str, call_key: str | None = None, result: bytes = b"") -> None:
        self.tx_id = tx_id
        self.call_key = call_key
        self.result = result
        super().__init__(f"transaction {tx_id}: {message}", tx_id=tx_id, call_key=call_key)


class EventsError(RpcError):
    """A stream of events ended, and could not be resumed."""

    code = "GL-GTW-009"
    exit_code = 48


class PeerCallError(RpcError):
    """A peer refused a call made to it directly, or did not answer.

    Parameters
    ----------
    message : str
        The peer's words.
    grpc_status : str
        Name of the gRPC status; ``OK`` where the peer answered with a refusal.
    response_status : int, optional
        Status of the peer's response, 0 if there was none.
    """

    code = "GL-GTW-010"
    exit_code = 49

    def __init__(
        self,
        message: str,
        *,
        tx_id: str = "",
        grpc_status: str,
        details: Sequence[EndpointDetail] = (),
        response_status: int = 0,
    ) -> None:
        self.response_status = response_status
        super().__init__(
            message, tx_id=tx_id, grpc_status=grpc_status, details=details, response_status=response_status
        )


class ProofRefused(CryptoError):
    """A block, an endorsed read or a certificate does not hold under what the verifier trusts."""

    code = "GL-CRY-003"
    exit_code = 32
