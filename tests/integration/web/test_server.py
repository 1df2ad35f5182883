"""A service on a real socket: in this process, as a process of its own, with and without TLS."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gridledger.client.identity import Identity
from gridledger.client.signer import EcdsaSigner
from gridledger.model.errors import ConfigError
from gridledger.web.authorities import Authorities
from gridledger.web.client import SignedClient
from gridledger.web.errors import RequestTooLarge, ServiceUnavailable
from gridledger.web.replay import MemoryReplayStore
from gridledger.web.route import Call, Nothing
from gridledger.web.server import LocalServer, ServerTLS
from gridledger.web.service import Service
from gridledger.web.settings import Limits, Patience
from gridledger.web.signing import MessageSigner

MSP = "Org1MSP"
_PROGRAM = """
import sys
from pathlib import Path
from cryptography import x509
from gridledger.client.identity import Identity
from gridledger.client.signer import EcdsaSigner
from gridledger.web.authorities import Authorities
from gridledger.web.replay import SQLiteReplayStore
from gridledger.web.route import Call, Nothing
from gridledger.web.server import run
from gridledger.web.service import Service
from gridledger.web.signing import MessageSigner

folder = Path(sys.argv[1])

def build():
    service = Service(
        "process",
        signer=MessageSigner(
            Identity.from_file("Org1MSP", folder / "cert.pem"), EcdsaSigner.from_file(folder / "key.pem")
        ),
        authorities=Authorities(
            {"Org1MSP": [x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())]}
        ),
        replay=SQLiteReplayStore(folder / "replay.db"),
    )

    @service.post("/v1/pings", takes=Nothing, gives=Nothing)
    async def ping(call: Call[Nothing]) -> Nothing:
        return call.value

    return service

run(build, port_file=folder / "port")
"""


class Party:
    """An authority, a member, and a TLS certificate for 127.0.0.1, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_name = _name("ca.org1")
        self.ca = _certificate(ca_name, ca_key.public_key(), ca_name, ca_key, ca=True)
        (folder / "ca.pem").write_bytes(self.ca.public_bytes(Encoding.PEM))
        for file, common_name in (("cert", "provider"), ("server", "127.0.0.1")):
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = _certificate(_name(common_name), key.public_key(), ca_name, ca_key, ca=False)
            (folder / f"{file}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (folder / ("key.pem" if file == "cert" else "server-key.pem")).write_bytes(pem)
        self.authorities = Authorities({MSP: [self.ca]})
        self.signer = MessageSigner(
            Identity.from_file(MSP, folder / "cert.pem"), EcdsaSigner.from_file(folder / "key.pem")
        )
        self.tls = ServerTLS(certificate=folder / "server.pem", private_key=folder / "server-key.pem")

    def service(self, **settings: object) -> Service:
        service = Service(
            "provider",
            signer=self.signer,
            authorities=self.authorities,
            replay=MemoryReplayStore(),
            **settings,  # type: ignore[arg-type]
        )

        @service.post("/v1/pings", takes=Nothing, gives=Nothing)
        async def ping(call: Call[Nothing]) -> Nothing:
            return call.value

        return service

    def client(self, url: str, *, tls: bool = False) -> SignedClient:
        return SignedClient(
            url,
            signer=self.signer,
            authorities=self.authorities,
            msp_id=MSP,
            patience=Patience(attempts=1),
            tls_root_certificate=str(self.folder / "ca.pem") if tls else None,
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture
def party(tmp_path: Path) -> Party:
    return Party(tmp_path)


async def test_server_in_this_process_answers_and_stops(party: Party) -> None:
    states: list[str] = []

    @asynccontextmanager
    async def lifespan():
        states.append("entered")
        yield
        states.append("left")

    async with LocalServer(party.service(lifespan=lifespan)) as server:
        async with party.client(server.url) as client:
            await asyncio.gather(*(client.call("POST", "/v1/pings", gives=Nothing) for _ in range(20)))
            assert (await client.health()).value.service == "provider"
        url = server.url
    assert states == ["entered", "left"]
    async with party.client(url) as client:
        with pytest.raises(ServiceUnavailable):
            await client.health()


async def test_server_with_tls_answers(party: Party) -> None:
    async with LocalServer(party.service(), tls=party.tls) as server:
        assert server.url.startswith("https://127.0.0.1:")
        async with party.client(server.url, tls=True) as client:
            await client.call("POST", "/v1/pings", gives=Nothing)
        async with party.client(server.url) as client:
            with pytest.raises(ServiceUnavailable):
                await client.health()


async def test_server_answers_behind_a_proxy_under_its_public_origin(party: Party) -> None:
    async with LocalServer(party.service(), origins=["https://owner.example"]) as server:
        transport = httpx.AsyncHTTPTransport()
        target = httpx.URL(server.url)

        class Proxy(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                request.url = request.url.copy_with(scheme="http", host=target.host, port=target.port)
                return await transport.handle_async_request(request)

        async with SignedClient(
            "https://owner.example",
            signer=party.signer,
            authorities=party.authorities,
            transport=Proxy(),
        ) as client:
            await client.call("POST", "/v1/pings", gives=Nothing)
        await transport.aclose()


async def test_requests_under_way_end_before_the_server_does(party: Party) -> None:
    service = party.service()
    entered, go = asyncio.Event(), asyncio.Event()

    @service.post("/v1/waits", takes=Nothing, gives=Nothing)
    async def wait(call: Call[Nothing]) -> Nothing:
        entered.set()
        await go.wait()
        return call.value

    async with LocalServer(service) as server, party.client(server.url) as client:
        call = asyncio.create_task(client.call("POST", "/v1/waits", gives=Nothing))
        await entered.wait()
        server.stop()
        go.set()
        await call
        await server.wait()


async def test_body_over_the_limit_is_refused_on_the_wire(party: Party) -> None:
    class Big:
        def to_bytes(self) -> bytes:
            return b"x" * 100_000

        @classmethod
        def from_bytes(cls, data: bytes) -> Big:
            raise AssertionError

    service = party.service(limits=Limits(body_bytes=1000))
    async with LocalServer(service) as server, party.client(server.url) as client:
        with pytest.raises(RequestTooLarge):
            await client.call("POST", "/v1/pings", Big(), gives=Nothing)


async def test_garbage_on_the_wire_leaves_the_server_alive(party: Party) -> None:
    async with LocalServer(party.service()) as server:
        host, port = server.url.removeprefix("http://").split(":")
        for garbage in (b"\x00\xff" * 50 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", b"POST"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(garbage)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
        async with party.client(server.url) as client:
            await client.health()


async def test_address_taken_is_a_setting_error(party: Party) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError):
            async with LocalServer(party.service(), port=taken.getsockname()[1]):
                pass


async def test_tls_files_missing_are_a_setting_error(party: Party, tmp_path: Path) -> None:
    tls = ServerTLS(certificate=tmp_path / "none.pem", private_key=tmp_path / "none-key.pem")
    with pytest.raises(ConfigError):
        async with LocalServer(party.service(), tls=tls):
            pass


async def test_lifespan_that_fails_reaches_the_starter(party: Party) -> None:
    @asynccontextmanager
    async def lifespan():
        raise ConfigError("missing", key="database", source="test")
        yield

    with pytest.raises(ConfigError):
        async with LocalServer(party.service(lifespan=lifespan)):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
async def test_server_as_a_process_says_ready_and_ends_by_signal(party: Party) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM,
        str(party.folder),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        url = line.removeprefix("ready ").strip()
        assert (party.folder / "port").read_text() == url.rpartition(":")[2]
        async with party.client(url) as client:
            await client.call("POST", "/v1/pings", gives=Nothing)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
