"""Two organisations with an authority each, a service on the first one's behalf, and callers of both."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gridledger.client.identity import Identity
from gridledger.client.signer import EcdsaSigner
from gridledger.model.record import ModelValue, value
from gridledger.web.authorities import ATTRIBUTES_OID, Authorities
from gridledger.web.client import SignedClient
from gridledger.web.errors import NotPermitted
from gridledger.web.message import HeaderLines, RequestMessage
from gridledger.web.replay import MemoryReplayStore
from gridledger.web.route import Call, Nothing
from gridledger.web.service import Service
from gridledger.web.settings import Limits, Patience
from gridledger.web.signing import MessageSigner

ORIGIN = "https://provider.example:8443"
NOW = 1_790_000_000


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@dataclass
class Authority:
    """A certificate authority and the members that it makes."""

    msp_id: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ca.{self.msp_id}")])
        builder = self._builder(self.name, self.key.public_key(), NOW - 10**7, NOW + 10**7)
        self.certificate = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        ).sign(self.key, hashes.SHA256())

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, start: int, end: int
    ) -> x509.CertificateBuilder:
        def moment(seconds: int) -> dt.datetime:
            return dt.datetime.fromtimestamp(seconds, dt.UTC)

        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment(start))
            .not_valid_after(moment(end))
        )

    def member(
        self,
        name: str = "user1",
        *,
        attributes: dict[str, str] | None = None,
        start: int = NOW - 10**6,
        end: int = NOW + 10**6,
        curve: type[ec.EllipticCurve] = ec.SECP256R1,
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(curve())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "client"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = self._builder(subject, key.public_key(), start, end)
        if attributes is not None:
            data = json.dumps({"attrs": attributes}).encode()
            builder = builder.add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, data), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256()), key


def signer_of(
    member: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], clock: Clock, msp_id: str = "Org2MSP"
) -> MessageSigner:
    certificate, key = member
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    identity = Identity(msp_id=msp_id, certificate=certificate.public_bytes(Encoding.PEM))
    return MessageSigner(identity, EcdsaSigner(pem), clock=clock)


@value
class Question(ModelValue):
    field: str
    rows: int


@value
class Answer(ModelValue):
    field: str
    rows: int
    asked_by: str
    role: str | None = None


@dataclass
class World:
    """What the tests of this folder share."""

    clock: Clock = field(default_factory=Clock)
    owner: Authority = field(default_factory=lambda: Authority("Org1MSP"))
    application: Authority = field(default_factory=lambda: Authority("Org2MSP"))

    def __post_init__(self) -> None:
        self.authorities = Authorities(
            {"Org1MSP": [self.owner.certificate], "Org2MSP": [self.application.certificate]}
        )
        self.server_signer = signer_of(self.owner.member("provider"), self.clock, "Org1MSP")
        self.caller_signer = signer_of(
            self.application.member(attributes={"role": "data-application"}), self.clock
        )

    async def request(
        self,
        body: bytes = b'{"field":"88.1/x#p","rows":1}',
        *,
        method: str = "POST",
        path: str = "/v1/answers",
        signer: MessageSigner | None = None,
    ) -> RequestMessage:
        """A signed request."""
        lines = [("host", "provider.example:8443")]
        if body:
            lines.append(("content-type", "application/json"))
        message = RequestMessage(method=method, url=ORIGIN + path, headers=HeaderLines(lines))
        await (signer or self.caller_signer).sign_request(message, body)
        return message

    def service(self, *, limits: Limits | None = None, **settings: object) -> Service:
        """A service with one route that answers, and some that fail."""
        given = {"replay": MemoryReplayStore(), "on_access": lambda _access: None, **settings}
        service = Service(
            "provider",
            signer=self.server_signer,
            authorities=self.authorities,
            limits=limits,
            clock=self.clock,
            **given,  # type: ignore[arg-type]
        )

        @service.post("/v1/answers", takes=Question, gives=Answer)
        async def answer(call: Call[Question]) -> Answer:
            """Answer a question."""
            return Answer(
                field=call.value.field,
                rows=call.value.rows,
                asked_by=call.caller.msp_id,
                role=call.caller.attributes.get("role"),
            )

        @service.get("/v1/fields/{name}", gives=Answer)
        async def read(call: Call[Nothing]) -> Answer:
            """Read a field."""
            rows = int(call.query.get("rows", "0"))
            return Answer(field=call.path["name"], rows=rows, asked_by=call.caller.msp_id)

        @service.post("/v1/refusals", takes=Nothing, gives=Nothing)
        async def refuse(call: Call[Nothing]) -> Nothing:
            raise NotPermitted("not for you", wanted_role="auditor")

        @service.post("/v1/nothings", takes=Nothing, gives=Nothing)
        async def do_nothing(call: Call[Nothing]) -> Nothing:
            return call.value

        return service

    def transport(self, service: Service | None = None) -> httpx.ASGITransport:
        return httpx.ASGITransport(app=(service or self.service()).app([ORIGIN]))

    def client(self, transport: httpx.AsyncBaseTransport | None = None, **settings: object) -> SignedClient:
        given = {
            "signer": self.caller_signer,
            "msp_id": "Org1MSP",
            "patience": Patience(first_wait_s=0.0),
            "clock": self.clock,
            **settings,
        }
        return SignedClient(
            ORIGIN,
            authorities=self.authorities,
            transport=transport or self.transport(),
            **given,  # type: ignore[arg-type]
        )


@dataclass
class Raw:
    """A client that sends what it is told."""

    http: httpx.AsyncClient

    async def send(self, message: RequestMessage, body: bytes) -> httpx.Response:
        request = httpx.Request(message.method, message.url, content=body)
        request.headers = httpx.Headers(message.headers.to_raw())
        return await self.http.send(request)


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def _clock_is_set_back(world: World) -> None:
    world.clock.now = float(NOW)


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with httpx.AsyncClient(transport=world.transport()) as http:
        yield Raw(http)


@pytest.fixture
def raw_of(world: World) -> Callable[[Service], Raw]:
    return lambda service: Raw(httpx.AsyncClient(transport=world.transport(service)))


@pytest.fixture
def make_authority() -> Callable[[str], Authority]:
    return Authority


@pytest.fixture
def make_signer(world: World) -> Callable[..., MessageSigner]:
    def make(
        member: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], *, lifetime_s: int = 60
    ) -> MessageSigner:
        signer = signer_of(member, world.clock)
        return MessageSigner(signer.identity, signer._signer, lifetime_s=lifetime_s, clock=world.clock)

    return make
