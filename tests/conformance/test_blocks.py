"""The chain of blocks, and what the system chaincode tells of it."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2, configtx_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import do
from tests.conformance.wire import header_bytes

from gridledger.client import Block, CommitError, Contract, EvaluateError, ValidationCode, verify_chain
from gridledger.client.block_proof import make_block_proof, verify_block
from gridledger.client.block_search import configurations_of
from gridledger.client.channel_trust import FolderTrust
from gridledger.network import Network, World
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial


@pytest.fixture
def qscc(org1: Caller) -> Contract:
    return org1.gateway.network(CHANNEL).contract("qscc")


async def test_chain_from_the_genesis_block_verifies(org1: Caller) -> None:
    height = await org1.height()

    blocks = [Block.from_message(await org1.block(number)) for number in range(height)]

    assert verify_chain(blocks) == height
    assert blocks[0].previous_hash == b""


async def test_data_hash_is_that_of_the_entries(org1: Caller, key: str) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))

    block = await org1.block(committed.block_number)

    assert block.header.number == committed.block_number
    assert block.header.data_hash == hashlib.sha256(b"".join(block.data.data)).digest()


async def test_blocks_of_both_organisations_are_the_same(org1: Caller, org2: Caller, key: str) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))

    first, second = await org1.block(committed.block_number), await org2.block(committed.block_number)

    assert first.header == second.header
    assert first.data == second.data
    codes = common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER
    assert first.metadata.metadata[codes] == second.metadata.metadata[codes]


async def test_block_marks_invalid_transactions(org1: Caller, key: str) -> None:
    with pytest.raises(CommitError) as caught:
        await org1.submit(do.put_state(key, b"1"), endorsing_organizations=["Org1MSP"])

    block = Block.from_message(await org1.block(caught.value.block_number))

    codes = {each.tx_id: each.validation_code for each in block.transactions}
    assert codes[caught.value.tx_id] is ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_block_is_signed_by_a_quorum_of_orderers(
    network: Network, world: World, org1: Caller, key: str
) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))
    message = await org1.block(committed.block_number)
    if world is World.ATTACHED:
        await _require_signatures(network, org1, Block.from_message(message))
        return
    metadata = common_pb2.Metadata.FromString(
        message.metadata.metadata[common_pb2.BlockMetadataIndex.SIGNATURES]
    )
    header = header_bytes(message.header)
    assert hashlib.sha256(header).digest() == Block.from_message(message).header_hash

    signers = set()
    for signature in metadata.signatures:
        node = orderer_of(network, signature)
        certificate = x509.load_pem_x509_certificate(node.msp.certificate.read_bytes())
        public_key = certificate.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        signed = metadata.value + (signature.identifier_header or signature.signature_header) + header
        public_key.verify(signature.signature, signed, ec.ECDSA(hashes.SHA256()))
        signers.add(node.name)

    assert len(signers) >= (3 if world is World.FABRIC else 1)


async def _require_signatures(network: Network, caller: Caller, block: Block) -> None:
    """Check a block by the configuration in force, and by the folders of the organisations that order."""
    trust, _ = await configurations_of(caller.gateway.network(CHANNEL), block)
    proof = make_block_proof(block, trust)
    folders = FolderTrust(orderers=network.orderer_authorities, peers=network.authorities, raft=trust.is_raft)
    for each in (trust, folders):
        assert verify_block(proof, each).header_hash == block.header_hash


def orderer_of(network: Network, signature: common_pb2.MetadataSignature) -> Member:
    """Return the orderer that a signature names: by its place among the consenters, or by its certificate."""
    orderers = [
        OrganisationMaterial(
            name=each.name, kind=OrganisationKind.ORDERER, root=network.directory / "organizations"
        ).node("orderer0")
        for each in network.description.orderers
    ]
    if signature.identifier_header:
        identifier = common_pb2.IdentifierHeader.FromString(signature.identifier_header).identifier
        return orderers[int(identifier) - 1]
    creator = common_pb2.SignatureHeader.FromString(signature.signature_header).creator
    [node] = [each for each in orderers if each.msp.certificate.read_bytes() in creator]
    return node


async def test_genesis_block_is_the_configuration(org1: Caller) -> None:
    genesis = await org1.block(0)
    [envelope] = genesis.data.data
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)

    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data).config

    assert (header.type, header.channel_id) == (common_pb2.CONFIG, CHANNEL)
    assert set(config.channel_group.groups["Application"].groups) == {"Org1MSP", "Org2MSP"}


async def test_block_entry_tells_the_call(org1: Caller, key: str) -> None:
    step = do.put_state(key, b"1")
    committed = await org1.transact(step)

    block = Block.from_message(await org1.block(committed.block_number))
    [entry] = [each for each in block.transactions if each.tx_id == committed.tx_id]

    assert (entry.chaincode, entry.arguments[0]) == ("script", b"Run")
    assert entry.creator_msp_id == "Org1MSP"
    assert entry.creator_certificate == org1.signer.certificate
    assert sorted(entry.endorsers) == ["Org1MSP", "Org2MSP"]
    assert entry.result == committed.result
    assert key.encode() in entry.read_write_set


async def test_chain_info_tells_height_and_last_hash(org1: Caller, qscc: Contract) -> None:
    info = ledger_pb2.BlockchainInfo.FromString(await qscc.evaluate("GetChainInfo", CHANNEL))

    last = Block.from_message(await org1.block(info.height - 1))

    assert info.currentBlockHash == last.header_hash
    assert info.previousBlockHash == last.previous_hash


async def test_block_by_hash_is_the_block(org1: Caller, qscc: Contract, key: str) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))
    block = await org1.block(committed.block_number)

    found = await qscc.evaluate("GetBlockByHash", CHANNEL, Block.from_message(block).header_hash)

    assert common_pb2.Block.FromString(found).header == block.header


async def test_block_by_transaction_is_the_block(org1: Caller, qscc: Contract, key: str) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))

    found = await qscc.evaluate("GetBlockByTxID", CHANNEL, committed.tx_id)

    assert common_pb2.Block.FromString(found).header.number == committed.block_number


async def test_transaction_by_id_tells_its_code(org1: Caller, qscc: Contract, key: str) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))
    with pytest.raises(CommitError) as caught:
        await org1.submit(do.put_state(key, b"2"), endorsing_organizations=["Org1MSP"])

    for tx_id, code in (
        (committed.tx_id, ValidationCode.VALID),
        (caught.value.tx_id, ValidationCode.ENDORSEMENT_POLICY_FAILURE),
    ):
        found = transaction_pb2.ProcessedTransaction.FromString(
            await qscc.evaluate("GetTransactionByID", CHANNEL, tx_id)
        )
        assert found.validationCode == code
        assert tx_id.encode() in found.transactionEnvelope.payload


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("GetBlockByNumber", "99999999"),
        ("GetBlockByNumber", "seven"),
        ("GetBlockByHash", b"\x00" * 32),
        ("GetBlockByTxID", "0" * 64),
        ("GetTransactionByID", "0" * 64),
    ],
)
async def test_unknown_block_or_transaction_is_refused(
    qscc: Contract, function: str, argument: str | bytes
) -> None:
    with pytest.raises(EvaluateError) as caught:
        await qscc.evaluate(function, CHANNEL, argument)

    assert caught.value.grpc_status == "UNKNOWN"


async def test_unknown_channel_or_function_is_refused(qscc: Contract) -> None:
    with pytest.raises(EvaluateError):
        await qscc.evaluate("GetChainInfo", "nochannel")
    with pytest.raises(EvaluateError, match="GetNothing"):
        await qscc.evaluate("GetNothing", CHANNEL)
