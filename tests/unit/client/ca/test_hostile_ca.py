"""What an authority that lies, breaks off or answers nonsense cannot do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.ca.stand_in import ADMIN, ADMIN_SECRET, StandInCa
from tests.unit.client.ca.conftest import ADDRESS

from gridledger.client.ca import (
    CaAddress,
    CaRefused,
    CaReplyInvalid,
    CaUnanswered,
    CaUnavailable,
    FabricCa,
    Registration,
    RevocationList,
)
from gridledger.client.ca.affiliation import Affiliation
from gridledger.client.ca.ca_info import CaInfo
from gridledger.client.ca.certificate_request import certificate_request
from gridledger.client.ca.registration import RegisteredIdentity
from gridledger.client.ca.reply import Result, read_reply
from gridledger.client.ca.revocation import Revocation
from gridledger.client.pem import Pem
from gridledger.client.private_key import new_private_key, open_private_key
from gridledger.model.errors import ConfigError, GridLedgerError
from gridledger.network.authority import CertificateAuthority, Validity

Change = Callable[[dict[str, Any]], None]


def changed(stand_in: StandInCa, change: Change) -> httpx.MockTransport:
    """Carry requests to the authority, and change what it answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        header = request.headers.get("authorization", "")
        status, body = stand_in.answer(request.method, target, header, request.content)
        value = json.loads(body)
        change(value["result"])
        return httpx.Response(status, content=json.dumps(value))

    return httpx.MockTransport(answer)


async def enrol(transport: httpx.AsyncBaseTransport, **options: Any) -> Any:
    async with FabricCa.open(ADDRESS, transport=transport) as ca:
        return await ca.enrol(ADMIN, ADMIN_SECRET, open_private_key(new_private_key()), **options)


def replace_certificate(pem: bytes) -> Change:
    return lambda result: result.update(Cert=base64.b64encode(pem).decode())


async def test_certificate_for_another_key_is_refused(stand_in: StandInCa) -> None:
    other = stand_in.authority.issue(ADMIN, "org1.example").certificate_pem
    with pytest.raises(CaReplyInvalid, match="another key"):
        await enrol(changed(stand_in, replace_certificate(other)))


async def test_certificate_for_another_name_is_refused(stand_in: StandInCa) -> None:
    def rename(result: dict[str, Any]) -> None:
        issued = x509.load_pem_x509_certificate(base64.b64decode(result["Cert"]))
        stand_in.registered["other"] = stand_in.registered[ADMIN]

        class Request:
            extensions = ()

            @staticmethod
            def public_key() -> Any:
                return issued.public_key()

        renamed = stand_in.issue(Request, "other", {})  # type: ignore[arg-type]
        result["Cert"] = base64.b64encode(renamed.public_bytes(Encoding.PEM)).decode()

    with pytest.raises(CaReplyInvalid, match="another name"):
        await enrol(changed(stand_in, rename))


async def test_certificate_of_another_authority_is_refused(stand_in: StandInCa) -> None:
    stranger = CertificateAuthority.create("ca.org1.example", "org1.example")

    def swap(result: dict[str, Any]) -> None:
        result["ServerInfo"]["CAChain"] = base64.b64encode(stranger.certificate_pem).decode()

    with pytest.raises(CaReplyInvalid, match="does not hold"):
        await enrol(changed(stand_in, swap))


async def test_certificate_of_an_authority_that_has_expired_is_refused() -> None:
    old = CertificateAuthority.create("ca.org1.example", "org1.example", validity=Validity.expired())
    with pytest.raises(CaReplyInvalid, match="was not valid"):
        await enrol(StandInCa(old).transport())


async def test_chain_without_root_or_authority_is_refused(stand_in: StandInCa) -> None:
    leaf = stand_in.authority.issue("user", "org1.example").certificate_pem
    for chain in (leaf, b"", b"no PEM", stand_in.authority.certificate_pem * 9):

        def swap(result: dict[str, Any], chain: bytes = chain) -> None:
            result["ServerInfo"]["CAChain"] = base64.b64encode(chain).decode()

        with pytest.raises(CaReplyInvalid, match="chain"):
            await enrol(changed(stand_in, swap))


async def test_certificate_without_the_requested_attribute_is_refused(stand_in: StandInCa) -> None:
    def forget(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        body.pop("attr_reqs")
        target, header = request.url.raw_path.decode(), request.headers["authorization"]
        status, answer = stand_in.answer("POST", target, header, json.dumps(body).encode())
        return httpx.Response(status, content=answer)

    with pytest.raises(CaReplyInvalid, match=r"hf\.Revoker"):
        await enrol(httpx.MockTransport(forget), attributes=["hf.Revoker"])


async def test_revocation_list_of_another_authority_is_refused(stand_in: StandInCa) -> None:
    info = CaInfo.read(Result(stand_in._info(), "info"))
    stranger = StandInCa(CertificateAuthority.create("ca.org1.example", "org1.example"))
    with pytest.raises(CaReplyInvalid, match="somebody else"):
        RevocationList.read(base64.b64decode(stranger._crl()), info)
    with pytest.raises(CaReplyInvalid, match="cannot be read"):
        RevocationList.read(b"no PEM", info)
    with pytest.raises(CaReplyInvalid, match="key identifier"):
        RevocationList.read(base64.b64decode(stand_in._crl(names_signer=False)), info)
    assert RevocationList.read(base64.b64decode(stand_in._crl()), info).serials == frozenset()


@pytest.mark.parametrize("status", [200, 201, 401, 403, 404, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'""',
        b"<html>busy</html>",
        b'{"success":true',
        b'{"success":"yes","result":{}}',
    ],
)
async def test_answer_that_is_none_is_refused(status: int, body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    with pytest.raises((CaReplyInvalid, CaRefused)):
        await enrol(transport)


async def test_refusals_words_are_one_line_without_control_characters() -> None:
    body = json.dumps({"success": False, "errors": [{"code": 0, "message": "no\x1b[2J\nway" + "x" * 9999}]})
    with pytest.raises(CaRefused) as caught:
        read_reply(500, body.encode())
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600


async def test_secret_in_a_broken_answer_stays_out_of_the_error(stand_in: StandInCa) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(201, content=b'{"result":{"secret":"s3cr3t"'))
    with pytest.raises(CaReplyInvalid) as caught:
        await enrol(transport)
    assert "s3cr3t" not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_authority_that_cannot_be_reached_may_be_asked_again() -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(CaUnavailable) as caught:
        await enrol(httpx.MockTransport(fail))
    assert caught.value.retriable


@pytest.mark.parametrize(
    "error", [httpx.ReadError("cut"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("x")]
)
async def test_answer_that_was_cut_off_leaves_the_outcome_open(error: httpx.TransportError) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(CaUnanswered) as caught:
        await enrol(httpx.MockTransport(fail))
    assert not caught.value.retriable


async def test_endless_answer_is_not_read_to_its_end() -> None:
    async def endless() -> Any:
        while True:
            yield b" " * (1 << 20)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(CaReplyInvalid, match="longer"):
        await enrol(transport)


async def test_redirect_is_not_followed(stand_in: StandInCa) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"location": "http://elsewhere.example/"}, content=b"{}")

    with pytest.raises((CaRefused, CaReplyInvalid)):
        await enrol(httpx.MockTransport(answer))
    assert len(asked) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "result",
                    "errors",
                    "success",
                    "Cert",
                    "CAChain",
                    "ServerInfo",
                    "CRL",
                    "RevokedCerts",
                    "identities",
                    "id",
                    "attrs",
                    "name",
                    "value",
                    "code",
                    "message",
                    "affiliations",
                    "Serial",
                    "AKI",
                    "secret",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(status=st.integers(100, 599), value=JSON)
def test_any_json_is_read_or_refused_in_the_tree(status: int, value: object) -> None:
    try:
        result = read_reply(status, json.dumps(value).encode())
    except GridLedgerError:
        return
    for read in (CaInfo.read, Revocation.read, Affiliation.read, RegisteredIdentity.read):
        try:
            read(result)  # type: ignore[operator]
        except GridLedgerError:
            continue


@given(body=st.binary(max_size=60))
def test_any_bytes_are_refused_in_the_tree(body: bytes) -> None:
    with pytest.raises(GridLedgerError):
        read_reply(200, body)


@given(junk=st.binary(max_size=200))
def test_any_bytes_for_chain_and_list_are_refused_in_the_tree(junk: bytes) -> None:
    text = base64.b64encode(junk).decode()
    with pytest.raises(CaReplyInvalid):
        CaInfo.read(Result({"CAChain": text}, "result"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ca.example:7054",
        "ftp://ca.example",
        "https://",
        "https://u:p@ca.example",
        "https://ca.example/x",
        "http://ca.example:7054",
        "https://ca.example:0",
        "https://ca.example:99999",
        "https://[",
        "https://h?x=1",
    ],
)
def test_address_that_is_none_or_in_the_clear_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        CaAddress(url=url)
    assert "u:p" not in str(caught.value)


def test_tls_roots_that_are_none_are_refused() -> None:
    address = CaAddress(url="https://ca.example:7054", tls_root_cert=Pem(b"no PEM"))
    with pytest.raises(ConfigError):
        FabricCa.open(address)


@pytest.mark.parametrize("name", ["", "a" * 65, "a:b", "a\nb"])
def test_name_that_fabric_ca_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Registration(name=name)


def test_registration_keeps_rights_and_attributes_apart() -> None:
    with pytest.raises(ConfigError):
        Registration(name="a", attributes={"hf.Revoker": "true"})
    with pytest.raises(ConfigError):
        Registration(name="a", rights={"gridledger.role": "agent"})
    with pytest.raises(ConfigError):
        Registration(name="a", type="king")


async def test_request_is_signed_by_its_key() -> None:
    signer = open_private_key(new_private_key())
    request = x509.load_pem_x509_csr(await certificate_request("a", signer))
    assert request.is_signature_valid
    assert request.public_key() == signer.public_key
