"""Opening a gateway, and what a channel tells of its chain; nothing is connected before the first call."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2
from tests.unit.client.fakes import (
    CERTIFICATE,
    IDENTITY,
    KEY_PEM,
    SIGNER,
    FakeTransport,
    evaluate_error,
    make_network,
    read_call,
)
from tests.unit.client.jumping_clock import run
from tests.unit.client.test_transport import FakeChannel

from gridledger.client import Backoff, Connection, EvaluateError, Gateway, Pem, RetryPolicy
from gridledger.client.channel import open_channel, tls_client_hash
from gridledger.model.errors import ConfigError


def connection(**changes: object) -> Connection:
    values = {
        "endpoint": "127.0.0.1:1",
        "msp_id": "Org1MSP",
        "certificate": Pem(CERTIFICATE),
        "private_key": Pem(KEY_PEM),
        "channel": "energy",
        **changes,
    }
    return Connection(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tls",
    [
        {},
        {"tls_root_cert": Pem(CERTIFICATE)},
        {"tls_root_cert": Pem(CERTIFICATE * 2), "tls_host_override": "peer0"},
        {
            "tls_root_cert": Pem(CERTIFICATE),
            "tls_client_certificate": Pem(CERTIFICATE),
            "tls_client_key": Pem(KEY_PEM),
        },
    ],
)
async def test_gateway_opens_and_closes_without_a_network(tls: dict[str, object]) -> None:
    async with Gateway.connect(connection(**tls)) as gateway:
        assert gateway.identity.msp_id == "Org1MSP"
        assert gateway.network().channel == "energy"
        assert gateway.network("other").channel == "other"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"certificate": Pem(b"x")}, "certificate"),
        ({"private_key": Pem(b"x")}, "private_key"),
        ({"tls_root_cert": Pem(b"x")}, "tls_root_cert"),
        (
            {
                "tls_root_cert": Pem(CERTIFICATE),
                "tls_client_certificate": Pem(b"x"),
                "tls_client_key": Pem(KEY_PEM),
            },
            "tls_client_certificate",
        ),
    ],
)
async def test_material_that_is_none_names_its_key(changes: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Gateway.connect(connection(**changes))
    assert caught.value.fields["key"] == key


async def test_channel_is_opened_for_each_connection_anew() -> None:
    one, other = open_channel(connection()), open_channel(connection())
    assert one is not other
    await one.close()
    await other.close()


def test_hash_of_the_tls_client_certificate_is_that_of_its_der() -> None:
    der = x509.load_pem_x509_certificate(CERTIFICATE).public_bytes(Encoding.DER)
    tls = {
        "tls_root_cert": Pem(CERTIFICATE),
        "tls_client_certificate": Pem(CERTIFICATE),
        "tls_client_key": Pem(KEY_PEM),
    }
    assert tls_client_hash(connection(**tls)) == hashlib.sha256(der).digest()
    assert tls_client_hash(connection()) == b""


async def test_channel_that_is_handed_in_stays_open_and_its_hash_goes_with_requests_for_blocks() -> None:
    channel = FakeChannel(None)
    gateway = Gateway.from_channel(channel, IDENTITY, signer=SIGNER, tls_client_hash=b"hash")
    request = gateway.network("energy").block_events_request(start_block=0)
    await gateway.close()
    assert not channel.closed
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(request.to_bytes()).payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    assert header.tls_cert_hash == b"hash"


def test_blocks_and_transactions_are_asked_of_the_gateways_organisation() -> None:
    block = common_pb2.Block(header=common_pb2.BlockHeader(number=4))
    transport = FakeTransport(lambda function, arguments: block.SerializeToString())
    assert run(make_network(transport).block(4)).number == 4
    call = transport.requests[0].proposed_transaction.proposal_bytes
    assert read_call(call) == ("GetBlockByNumber", [b"energy", b"4"])

    processed = transaction_pb2.ProcessedTransaction(validationCode=0)
    transport = FakeTransport(lambda function, arguments: processed.SerializeToString())
    run(make_network(transport).transaction("abc"))
    call = transport.requests[0].proposed_transaction.proposal_bytes
    assert read_call(call) == ("GetTransactionByID", [b"energy", b"abc"])


def test_block_that_is_not_there_is_an_error() -> None:
    transport = FakeTransport()
    transport.fail("evaluate", evaluate_error("UNKNOWN"))
    with pytest.raises(EvaluateError):
        run(make_network(transport).block(99))


def test_delays_double_up_to_the_longest_and_are_shortened_at_random() -> None:
    backoff = Backoff(attempts=9, first=1.0, longest=5.0)
    for attempt, full in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (400, 5.0)]:
        assert all(full / 2 <= backoff.delay(attempt) <= full for _ in range(50))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"attempts": -1}, "attempts"),
        ({"attempts": 1.5}, "attempts"),
        ({"attempts": True}, "attempts"),
        ({"first": float("nan")}, "first"),
        ({"longest": "5"}, "longest"),
    ],
)
def test_backoff_that_is_none_is_refused(values: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Backoff(**{"attempts": 1, "first": 1.0, "longest": 1.0, **values})  # type: ignore[arg-type]
    assert key in str(caught.value.fields["key"])


def test_resends_reach_beyond_half_of_the_default_deadline() -> None:
    resends = RetryPolicy().resends
    shortest = sum(min(resends.longest, resends.first * 2**number) / 2 for number in range(resends.attempts))
    assert shortest >= 30
