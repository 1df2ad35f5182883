"""`cscc`: the channel's configuration, and the channels that a peer has joined."""

from __future__ import annotations

from fabric_protos.peer import proposal_response_pb2, query_pb2

from gridledger.network.devnet.channel import READERS, Channel
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.system_chaincode import (
    ADMINS,
    MEMBERS,
    SystemCall,
    check_local,
    error,
    success,
)

__all__ = ["ConfigurationChaincode"]

_FUNCTIONS = frozenset(
    {
        "JoinChain",
        "JoinChainBySnapshot",
        "JoinBySnapshotStatus",
        "GetConfigBlock",
        "GetChannelConfig",
        "GetChannels",
    }
)
_ALONE = frozenset({"GetChannels", "JoinBySnapshotStatus"})


class ConfigurationChaincode:
    """Answers for one organisation's peer; there is one channel, which every peer has joined.

    Parameters
    ----------
    channel : Channel
        The channel.
    ledger : Ledger
        Holds its configuration block.
    msp_id : str
        The peer's organisation.
    """

    def __init__(self, channel: Channel, ledger: Ledger, msp_id: str) -> None:
        self._channel = channel
        self._ledger = ledger
        self._msp_id = msp_id

    async def invoke(self, call: SystemCall) -> proposal_response_pb2.Response:
        """Answer a call: a function and, for most, a channel."""
        arguments = [argument.decode(errors="replace") for argument in call.arguments]
        if not arguments or (arguments[0] not in _ALONE and len(arguments) < 2):
            return error(f"Incorrect number of arguments, {len(arguments)}")
        if call.chaincode != "cscc":
            return error(
                f"Rejecting invoke of CSCC from another chaincode, original invocation for '{call.chaincode}'"
            )
        function = arguments[0]
        if function not in _FUNCTIONS:
            return error(f"Requested function {function} not found.")
        subject = arguments[1] if len(arguments) > 1 and function != "JoinChain" else ""
        of_channel = function in ("GetConfigBlock", "GetChannelConfig")
        if of_channel and subject != self._channel.channel_id:
            reason = f"Failed to get policy manager for channel [{subject}]"
            return error(f"access denied for [{function}][{subject}]: {reason}")
        try:
            if of_channel:
                self._channel.check_access(READERS, call.signed)
            else:
                role = MEMBERS if function == "GetChannels" else ADMINS
                check_local(self._channel, self._msp_id, role, call.signed)
        except Refused as refusal:
            return error(f"access denied for [{function}][{subject}]: {refusal.message}")
        return self._answer(function)

    def _answer(self, function: str) -> proposal_response_pb2.Response:
        if function == "GetChannels":
            channels = [query_pb2.ChannelInfo(channel_id=self._channel.channel_id)]
            return success(query_pb2.ChannelQueryResponse(channels=channels).SerializeToString())
        if function == "GetChannelConfig":
            return success(self._channel.config.SerializeToString())
        if function == "GetConfigBlock":
            block = self._ledger.block(0)
            return (
                success(block.SerializeToString()) if block is not None else error("no configuration block")
            )
        if function == "JoinBySnapshotStatus":
            return success(query_pb2.JoinBySnapshotStatus().SerializeToString())
        return error(
            f"cannot create ledger from genesis block: ledger [{self._channel.channel_id}] already exists "
            "with state "
            "[ACTIVE]"
        )
