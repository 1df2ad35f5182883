"""System chaincodes: what runs in the peer itself, and who may call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import proposal_response_pb2

from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.identity import SignedData
from gridledger.network.devnet.simulator import Simulator

__all__ = ["ADMINS", "MEMBERS", "SystemCall", "SystemChaincode", "check_local", "error", "success"]

_Role = msp_principal_pb2.MSPRole.MSPRoleType
ADMINS = "Admins"
MEMBERS = "Members"
_LOCAL_ROLES = {ADMINS: _Role.ADMIN, MEMBERS: _Role.MEMBER}


@dataclass(frozen=True, kw_only=True)
class SystemCall:
    """A call of a system chaincode.

    Parameters
    ----------
    arguments : sequence of bytes
        The first is the function.
    channel_id : str
        Empty for calls to the peer alone.
    chaincode : str
        The chaincode that the proposal names; another one where a chaincode calls a system chaincode.
    signed : SignedData
        The proposal's bytes, creator and signature.
    simulator : Simulator, optional
        None for calls to the peer alone, and for what only reads blocks.
    """

    arguments: Sequence[bytes]
    channel_id: str
    chaincode: str
    signed: SignedData
    simulator: Simulator | None


class SystemChaincode(Protocol):
    """A chaincode in the peer."""

    async def invoke(self, call: SystemCall) -> proposal_response_pb2.Response:
        """Answer a call."""


def success(payload: bytes = b"") -> proposal_response_pb2.Response:
    """Return a response with status 200."""
    return proposal_response_pb2.Response(status=200, payload=payload)


def error(message: str, status: int = 500) -> proposal_response_pb2.Response:
    """Return a response with an error's status."""
    return proposal_response_pb2.Response(status=status, message=message)


def check_local(channel: Channel, msp_id: str, policy: str, signed: SignedData) -> None:
    """Refuse a caller who has not the role in the peer's own organisation.

    Parameters
    ----------
    channel : Channel
        Knows the organisation.
    msp_id : str
        The peer's organisation.
    policy : {"Admins", "Members"}
        The role.
    signed : SignedData
        The request.
    """
    failed = f"during channelless check policy with policy [{policy}]"
    try:
        identity = channel.msps.deserialize_own(msp_id, signed.identity)
    except Refused as refusal:
        raise Refused(f"Failed deserializing proposal creator {failed}: [{refusal.message}]") from refusal
    principal = msp_principal_pb2.MSPPrincipal(
        principal_classification=msp_principal_pb2.MSPPrincipal.Classification.ROLE,
        principal=msp_principal_pb2.MSPRole(
            msp_identifier=msp_id, role=_LOCAL_ROLES[policy]
        ).SerializeToString(),
    )
    if not identity.msp.satisfies(identity, principal):
        raise Refused(
            f"Failed verifying that proposal's creator satisfies local MSP principal {failed}: "
            f"[The identity is not a member of {policy} under this MSP [{msp_id}]]"
        )
    channel.msps.verify(signed)
