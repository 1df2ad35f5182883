"""`qscc` and `cscc`: blocks, transactions and the channel's configuration, looked up."""

from __future__ import annotations

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, ledger_pb2
from fabric_protos.peer import proposal_response_pb2, query_pb2, transaction_pb2
from tests.unit.devnet.contract import NAMESPACE
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import CHANNEL, make_proposal

from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.proposal import Proposal

NEWEST = str((1 << 64) - 1)


async def _call(
    net: Net, name: str, *arguments: str | bytes, signer: Signer | None = None, channel: str = CHANNEL
) -> proposal_response_pb2.Response:
    encoded = [each.encode() if isinstance(each, str) else each for each in arguments]
    signed = make_proposal(signer or net.user(), name, *encoded, channel=channel)
    return (await net.endorsers["Org1MSP"].process(Proposal.parse(signed))).response


async def _result(net: Net, *arguments: str | bytes) -> bytes:
    response = await _call(net, "qscc", *arguments)
    assert response.status == 200, response.message
    return bytes(response.payload)


def _transaction_id(envelope: common_pb2.Envelope) -> str:
    payload = common_pb2.Payload.FromString(envelope.payload)
    return str(common_pb2.ChannelHeader.FromString(payload.header.channel_header).tx_id)


async def test_block_is_found_by_number_hash_and_transaction(deployed: Net) -> None:
    envelope = await deployed.endorse(deployed.user(), NAMESPACE, b"put", b"a", b"1")
    number, _ = await deployed.submit(envelope)
    info = ledger_pb2.BlockchainInfo.FromString(await _result(deployed, "GetChainInfo", CHANNEL))
    assert info.height == number + 1
    by_number = await _result(deployed, "GetBlockByNumber", CHANNEL, str(number))
    assert by_number == await _result(deployed, "GetBlockByNumber", CHANNEL, NEWEST)
    assert by_number == await _result(deployed, "GetBlockByHash", CHANNEL, info.currentBlockHash)
    identity = _transaction_id(envelope)
    assert by_number == await _result(deployed, "GetBlockByTxID", CHANNEL, identity)
    assert common_pb2.Block.FromString(by_number).header.previous_hash == info.previousBlockHash
    found = transaction_pb2.ProcessedTransaction.FromString(
        await _result(deployed, "GetTransactionByID", CHANNEL, identity)
    )
    assert (found.transactionEnvelope, found.validationCode) == (envelope, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Incorrect number of arguments, 0"),
        (("GetChainInfo",), "Incorrect number of arguments, 1"),
        (("GetBlockByNumber", CHANNEL), "missing 3rd argument for GetBlockByNumber"),
        (("GetChainInfo", "other"), "Invalid chain ID, other"),
        (("DropEverything", CHANNEL, "x"), "Unmapped policy for qscc/DropEverything"),
        (("GetBlockByNumber", CHANNEL, "9999"), "no such block number [9999] in index"),
        (("GetBlockByNumber", CHANNEL, "-1"), "invalid syntax"),
        (("GetBlockByNumber", CHANNEL, "²"), "invalid syntax"),
        (("GetBlockByNumber", CHANNEL, b"\xff\xfe"), "invalid syntax"),
        (("GetBlockByHash", CHANNEL, b"\x00\xff"), "no such block hash [00ff] in index"),
        (("GetTransactionByID", CHANNEL, "ab"), "no such transaction ID [ab] in index"),
        (("GetBlockByTxID", CHANNEL, "ab"), "no such transaction ID [ab] in index"),
    ],
)
async def test_what_is_not_there_has_its_words(
    net: Net, arguments: tuple[str | bytes, ...], words: str
) -> None:
    response = await _call(net, "qscc", *arguments)
    assert response.status == 500
    assert words in response.message


async def test_channel_configuration_is_given_whole(net: Net) -> None:
    response = await _call(net, "cscc", "GetConfigBlock", CHANNEL)
    block = common_pb2.Block.FromString(response.payload)
    assert block == net.ledger.block(0)
    response = await _call(net, "cscc", "GetChannelConfig", CHANNEL)
    config = configtx_pb2.Config.FromString(response.payload)
    assert set(config.channel_group.groups["Application"].groups) == {"Org1MSP", "Org2MSP"}


async def test_channels_of_a_peer_are_for_its_organisations_members(net: Net) -> None:
    response = await _call(net, "cscc", "GetChannels", channel="")
    channels = query_pb2.ChannelQueryResponse.FromString(response.payload).channels
    assert [each.channel_id for each in channels] == [CHANNEL]


@pytest.mark.parametrize(
    ("arguments", "channel", "words"),
    [
        ((), "", "Incorrect number of arguments, 0"),
        (("GetConfigBlock",), CHANNEL, "Incorrect number of arguments, 1"),
        (("Nothing", "x"), "", "Requested function Nothing not found."),
        (("GetConfigBlock", "other"), CHANNEL, "access denied for [GetConfigBlock][other]"),
        (("JoinChain", "block"), "", "access denied for [JoinChain]"),
    ],
)
async def test_configuration_refuses_what_it_must(
    net: Net, arguments: tuple[str, ...], channel: str, words: str
) -> None:
    response = await _call(net, "cscc", *arguments, channel=channel)
    assert response.status == 500
    assert words in response.message


async def test_administrator_joins_what_is_joined(net: Net) -> None:
    admin = net.user(1, "admin")
    response = await _call(net, "cscc", "JoinChain", "block", signer=admin, channel="")
    assert "ledger [energy] already exists with state [ACTIVE]" in response.message
    response = await _call(net, "cscc", "JoinBySnapshotStatus", signer=admin, channel="")
    assert response.status == 200
