"""What a chaincode sees of its call: arguments, creator, times, transient data, the signed proposal."""

from __future__ import annotations

import hashlib
import time

import pytest
from cryptography import x509
from fabric_protos.peer import proposal_pb2
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import decode_results, do, encode_steps

from gridledger.client import EndorseError, EvaluateError
from gridledger.model.roles import CertificateAttribute, Role

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    "arguments",
    [[], [b""], [bytes(range(256))], [b"\xff\xfe"] * 300, ["中文".encode(), b"\x00"], [b"x" * 1_000_000]],
    ids=["none", "empty", "all-bytes", "many", "text", "long"],
)
async def test_arguments_reach_the_chaincode_unchanged(org1: Caller, arguments: list[bytes]) -> None:
    assert decode_results(await org1.contract.evaluate("Echo", *arguments)) == [b"Echo", *arguments]


async def test_arguments_are_given_as_bytes_and_as_text(org1: Caller) -> None:
    steps = [do.get_args(), do.get_string_args(), do.get_function_and_parameters()]
    given = encode_steps(steps)

    as_bytes, as_text, split = await org1.evaluate_each(*steps)

    assert as_bytes == [b"Run", given]
    assert as_text == ["Run", given.decode()]
    assert split == ("Run", [given.decode()])


async def test_peer_adds_no_decorations_and_asks_for_no_first_call(org1: Caller) -> None:
    assert await org1.evaluate_each(do.get_decorations(), do.is_init()) == [{}, False]


async def test_transaction_id_and_channel_are_those_of_the_proposal(org1: Caller) -> None:
    proposal = org1.propose(do.get_tx_id(), do.get_channel_id())

    assert decode_results(await proposal.evaluate()) == [proposal.tx_id, CHANNEL]


async def test_creator_is_the_caller(org1: Caller, org2: Caller) -> None:
    for caller in (org1, org2):
        creator = await caller.evaluate(do.get_creator())

        assert creator["msp_id"] == caller.msp_id
        assert creator["certificate"] == caller.signer.certificate
        assert "client" in creator["units"]


async def test_creator_of_an_administrator_has_its_unit(admin: Caller) -> None:
    assert "admin" in (await admin.evaluate(do.get_creator()))["units"]


async def test_creator_attributes_of_the_certificate_are_read(auditor: Caller) -> None:
    creator = await auditor.evaluate(do.get_creator())

    assert creator["attributes"][CertificateAttribute.ROLE] == Role.AUDITOR
    subject = x509.load_pem_x509_certificate(creator["certificate"]).subject.rfc4514_string()
    assert "CN=auditor" in subject


async def test_creator_without_attributes_has_none_of_a_role(org1: Caller) -> None:
    assert CertificateAttribute.ROLE not in (await org1.evaluate(do.get_creator()))["attributes"]


async def test_transient_data_reaches_the_chaincode(org1: Caller) -> None:
    transient = {"a": bytes(range(256)), "中": b"", "b": b"17"}

    assert await org1.evaluate(do.get_transient(), transient=transient) == transient


async def test_transient_data_is_not_in_the_block(org1: Caller, key: str) -> None:
    secret = f"secret of {key}".encode()

    committed = await org1.transact(do.put_state(key, b"17"), transient={"secret": secret})

    assert secret not in (await org1.block(committed.block_number)).SerializeToString()


async def test_signed_proposal_is_the_callers_own(org1: Caller) -> None:
    proposal = org1.propose(do.get_signed_proposal(), do.get_binding())

    (proposal_bytes, signature), binding = decode_results(await proposal.evaluate())

    assert hashlib.sha256(proposal_bytes).digest() == proposal.digest
    assert signature
    assert proposal_pb2.Proposal.FromString(proposal_bytes).header
    assert len(binding) == hashlib.sha256().digest_size


async def test_timestamp_is_the_claimed_time(org1: Caller) -> None:
    claimed = now_ms() - 17

    seconds, nanos = await org1.evaluate(do.get_tx_timestamp(), claimed_time_ms=claimed)

    assert seconds * 1000 + nanos // 1_000_000 == claimed


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_claimed_time_within_the_window_is_valid(org1: Caller, key: str, minutes: int) -> None:
    await org1.submit(do.put_state(key, b"17"), claimed_time_ms=now_ms() + minutes * MINUTE_MS)

    assert await org1.evaluate(do.get_state(key)) == b"17"


@pytest.mark.parametrize("offset_ms", [-400 * DAY_MS, 400 * DAY_MS, -16 * MINUTE_MS, 16 * MINUTE_MS])
async def test_claimed_time_out_of_the_window_is_refused(org1: Caller, key: str, offset_ms: int) -> None:
    with pytest.raises(EndorseError, match="incorrect timestamp"):
        await org1.submit(do.put_state(key, b"17"), claimed_time_ms=now_ms() + offset_ms)
    with pytest.raises(EvaluateError, match="incorrect timestamp"):
        await org1.evaluate(do.get_state(key), claimed_time_ms=now_ms() + offset_ms)

    assert await org1.evaluate(do.get_state(key)) is None
