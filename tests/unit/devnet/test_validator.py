"""Validation: whatever is tampered with after endorsement, nothing of it becomes state."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import PEER, both, collection, make_proposal, policy_bytes

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rwset import ReadWriteSetBuilder
from gridledger.network.devnet.transaction import Transaction

Change = Callable[[proposal_pb2.ChaincodeAction], None]


def _forge(
    net: Net,
    change: Change = lambda _: None,
    *,
    writes: Callable[[ReadWriteSetBuilder], None] = lambda rwset: rwset.write(NAMESPACE, "a", b"1"),
    endorsers: tuple[str, ...] = ("Org1MSP", "Org2MSP"),
    signer: Signer | None = None,
    chaincode: str = NAMESPACE,
    channel: str = "energy",
) -> Transaction:
    """Return a transaction with any content, signed by the peers: what dishonest peers could make."""
    user = signer or net.user()
    proposal = Proposal.parse(make_proposal(user, chaincode, b"forged", channel=channel))
    rwset = ReadWriteSetBuilder()
    writes(rwset)
    action = proposal_pb2.ChaincodeAction(
        results=rwset.build().public,
        response=proposal_response_pb2.Response(status=200),
        chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode, version="1"),
    )
    change(action)
    payload = proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=proposal.proposal_hash, extension=action.SerializeToString()
    ).SerializeToString()
    endorsements = []
    for msp_id in endorsers:
        peer = net.organisations[msp_id].signer
        endorsements.append(
            proposal_response_pb2.Endorsement(
                endorser=peer.identity, signature=peer.sign(payload + peer.identity)
            )
        )
    body = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=proposal_pb2.ChaincodeProposalPayload(
            input=proposal.input_bytes
        ).SerializeToString(),
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=payload, endorsements=endorsements
        ),
    )
    transaction = transaction_pb2.Transaction()
    transaction.actions.add(header=proposal.header.signature_header, payload=body.SerializeToString())
    data = common_pb2.Payload(
        header=proposal.header, data=transaction.SerializeToString()
    ).SerializeToString()
    envelope = common_pb2.Envelope(payload=data, signature=user.sign(data))
    return Transaction.parse(envelope.SerializeToString())


def _codes(net: Net, *transactions: Transaction) -> list[int]:
    with net.ledger.snapshot() as snapshot:
        return net.validator.validate(net.ledger.height, transactions, snapshot).codes


def test_kit_forges_what_is_valid(deployed: Net) -> None:
    with deployed.ledger.snapshot() as snapshot:
        validated = deployed.validator.validate(9, [_forge(deployed)], snapshot)
    assert validated.codes == [ValidationCode.VALID]
    assert (NAMESPACE, "", "a") in validated.updates
    assert not validated.changes_lifecycle


def _event(chaincode: str) -> Change:
    event = chaincode_event_pb2.ChaincodeEvent(chaincode_id=chaincode, event_name="e")
    return lambda action: setattr(action, "events", event.SerializeToString())


def _named(name: str, version: str) -> Change:
    return lambda action: action.chaincode_id.CopyFrom(chaincode_pb2.ChaincodeID(name=name, version=version))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_event(NAMESPACE), ValidationCode.VALID),
        (_event("other"), ValidationCode.INVALID_OTHER_REASON),
        (_named("other", "1"), ValidationCode.INVALID_CHAINCODE),
        (_named(NAMESPACE, ""), ValidationCode.INVALID_CHAINCODE),
        (lambda action: action.ClearField("chaincode_id"), ValidationCode.INVALID_OTHER_REASON),
        (lambda action: setattr(action, "results", action.results * 2), ValidationCode.ILLEGAL_WRITESET),
        (lambda action: setattr(action, "results", b"\xff"), ValidationCode.BAD_RWSET),
    ],
)
def test_action_that_is_wrong_has_its_code(deployed: Net, change: Change, code: ValidationCode) -> None:
    assert _codes(deployed, _forge(deployed, change)) == [code]


def test_endorsements_that_are_too_few_or_foreign_fail(deployed: Net) -> None:
    for endorsers in ((), ("Org1MSP",), ("Org1MSP", "Org1MSP")):
        code = ValidationCode.ENDORSEMENT_POLICY_FAILURE
        assert _codes(deployed, _forge(deployed, endorsers=endorsers)) == [code]


def test_chaincode_that_does_not_exist_is_invalid(deployed: Net) -> None:
    forged = _forge(deployed, chaincode="nothing", writes=lambda rwset: rwset.write("nothing", "a", b"1"))
    assert _codes(deployed, forged) == [ValidationCode.INVALID_CHAINCODE]
    system = _forge(deployed, chaincode="qscc", writes=lambda rwset: rwset.write("qscc", "a", b"1"))
    assert _codes(deployed, system) == [ValidationCode.INVALID_CHAINCODE]


async def test_writes_to_another_chaincode_want_its_policy_too(deployed: Net) -> None:
    await deployed.deploy("mine", keeper, policy=policy_bytes(1, ("Org1MSP", PEER)))

    def write_both(rwset: ReadWriteSetBuilder) -> None:
        rwset.write("mine", "a", b"1")
        rwset.write(NAMESPACE, "a", b"1")

    one = _forge(deployed, chaincode="mine", writes=write_both, endorsers=("Org1MSP",))
    two = _forge(deployed, chaincode="mine", writes=write_both)
    alone = _forge(
        deployed,
        chaincode="mine",
        writes=lambda rwset: rwset.write("mine", "a", b"1"),
        endorsers=("Org1MSP",),
    )
    assert _codes(deployed, one) == [ValidationCode.ENDORSEMENT_POLICY_FAILURE]
    assert _codes(deployed, two) == [ValidationCode.VALID]
    assert _codes(deployed, alone) == [ValidationCode.VALID]


def test_definition_written_past_the_lifecycle_wants_the_majority(deployed: Net) -> None:
    def define(rwset: ReadWriteSetBuilder) -> None:
        rwset.write("_lifecycle", "namespaces/fields/keeper/Sequence", b"\x08\x09")

    alone = _forge(deployed, writes=define, endorsers=("Org1MSP",))
    assert _codes(deployed, alone) == [ValidationCode.ENDORSEMENT_POLICY_FAILURE]
    assert _codes(deployed, _forge(deployed, writes=define)) == [ValidationCode.VALID]


def test_creator_whose_signature_is_bad_or_who_is_unknown_is_refused(deployed: Net) -> None:
    good = _forge(deployed)
    envelope = common_pb2.Envelope.FromString(good.envelope)
    other = deployed.user(2).sign(envelope.payload)
    forged = Transaction.parse(
        common_pb2.Envelope(payload=envelope.payload, signature=other).SerializeToString()
    )
    assert _codes(deployed, forged) == [ValidationCode.BAD_CREATOR_SIGNATURE]
    unknown = Signer(b"\x0a\x07Org9MSP\x12\x00", deployed.user()._key)
    assert _codes(deployed, _forge(deployed, signer=unknown)) == [ValidationCode.BAD_CREATOR_SIGNATURE]
    elsewhere = _forge(deployed, channel="other")
    assert _codes(deployed, elsewhere) == [ValidationCode.BAD_CREATOR_SIGNATURE]


async def test_same_id_twice_is_a_duplicate(deployed: Net) -> None:
    transaction = _forge(deployed)
    assert _codes(deployed, transaction, transaction) == [ValidationCode.VALID, ValidationCode.DUPLICATE_TXID]
    envelope = await deployed.endorse(deployed.user(), NAMESPACE, b"put", b"a", b"1")
    await deployed.submit(envelope)
    again = Transaction.parse(envelope.SerializeToString())
    assert _codes(deployed, again) == [ValidationCode.DUPLICATE_TXID]


def test_garbage_does_not_disturb_its_neighbours(deployed: Net) -> None:
    codes = _codes(deployed, Transaction.parse(b"\xff"), _forge(deployed), Transaction.parse(b""))
    assert codes[0] == ValidationCode.BAD_PAYLOAD
    assert codes[1] == ValidationCode.VALID
    assert codes[2] != ValidationCode.VALID


def test_policy_changed_earlier_in_the_block_invalidates_the_key(deployed: Net) -> None:
    setting = _forge(
        deployed, writes=lambda rwset: rwset.write_metadata(NAMESPACE, "a", {"VALIDATION_PARAMETER": b""})
    )
    codes = _codes(deployed, setting, _forge(deployed))
    assert codes == [ValidationCode.VALID, ValidationCode.ENDORSEMENT_POLICY_FAILURE]
    other = _forge(deployed, writes=lambda rwset: rwset.write(NAMESPACE, "b", b"1"))
    assert _codes(deployed, setting, other) == [ValidationCode.VALID, ValidationCode.VALID]


async def test_collection_may_have_a_policy_of_its_own(net: Net) -> None:
    own = policy_bytes(1, ("Org2MSP", PEER))
    collections = [
        collection("own", "Org1MSP", "Org2MSP", endorsement=own),
        collection("plain", "Org1MSP", "Org2MSP"),
    ]
    await net.deploy(NAMESPACE, keeper, policy=both(), collections=collections)

    def code(name: str, *endorsers: str) -> int:
        forged = _forge(
            net,
            writes=lambda rwset: rwset.write_private(NAMESPACE, name, "k", b"1"),
            endorsers=endorsers,
        )
        return _codes(net, forged)[0]

    assert code("own", "Org2MSP") == ValidationCode.VALID
    assert code("own", "Org1MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert code("plain", "Org2MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert code("plain", "Org1MSP", "Org2MSP") == ValidationCode.VALID
    assert code("_implicit_org_Org1MSP", "Org1MSP") == ValidationCode.VALID
    assert code("_implicit_org_Org1MSP", "Org2MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert code("_implicit_org_Org9MSP", "Org1MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert code("none", "Org1MSP", "Org2MSP") == ValidationCode.ENDORSEMENT_POLICY_FAILURE
