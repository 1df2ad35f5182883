"""What the embedded network refuses or cannot do; the messages are what a Fabric peer says in such a case."""

from __future__ import annotations

from gridledger.model.errors import NetworkSetupError

__all__ = [
    "ChaincodeUnreachable",
    "DevnetError",
    "LedgerCorrupt",
    "LedgerFailed",
    "Malformed",
    "NotDefined",
    "ProposalRefused",
    "Refused",
    "StreamTerminated",
]


class DevnetError(NetworkSetupError):
    """The embedded network cannot go on; every class below is one reason."""

    code = "GL-NET-030"
    exit_code = 80


class Malformed(DevnetError):
    """Bytes that came in are not the message that they should be."""

    code = "GL-NET-031"
    exit_code = 80


class Refused(DevnetError):
    """A request breaks a rule of the network: an identity, a policy, a state of the transaction."""

    code = "GL-NET-032"
    exit_code = 80


class NotDefined(Refused):
    """What was asked for is not there."""

    code = "GL-NET-036"
    exit_code = 80


class ProposalRefused(Refused):
    """A peer does not begin to simulate a proposal.

    Parameters
    ----------
    message : str
        Why.
    filtered : bool, default False
        Whether it was refused at the door, for its time or its creator's expiry: a gateway takes the peer for
        unavailable then, as Fabric's does.
    """

    code = "GL-NET-037"
    exit_code = 80

    def __init__(self, message: str, *, filtered: bool = False) -> None:
        super().__init__(message)
        self.filtered = filtered


class LedgerCorrupt(DevnetError):
    """The stored chain does not verify: a hash, a number or a table disagrees with the blocks."""

    code = "GL-NET-033"
    exit_code = 80


class LedgerFailed(DevnetError):
    """A block could not be written: the disk is full, or the file is not writable."""

    code = "GL-NET-041"
    exit_code = 80


class ChaincodeUnreachable(DevnetError):
    """The chaincode's server could not be reached, or it did not register, before the deadline."""

    code = "GL-NET-034"
    exit_code = 80
    retriable = True


class StreamTerminated(DevnetError):
    """The chaincode's stream ended while a transaction was in its hands."""

    code = "GL-NET-035"
    exit_code = 80
    retriable = True
