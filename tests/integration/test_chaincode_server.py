"""The chaincode server over real sockets: registration, several peers, TLS, shutdown."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2

from gridledger.model.errors import ConfigError
from gridledger.shim import (
    ChaincodeServer,
    ChaincodeStub,
    Response,
    ServerSettings,
    TlsSettings,
    error,
    success,
)
from gridledger.shim.wire import MessageType

DEADLINE_S = 20.0
MakeTls = Callable[..., TlsSettings]
_Message = chaincode_shim_pb2.ChaincodeMessage


class Probe:
    """Reads a key, or returns as many bytes as it is told."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, parameters = stub.get_function_and_parameters()
        if function == "get":
            return success(await stub.get_state(parameters[0]) or b"")
        if function == "bytes":
            return success(bytes(int(parameters[0])))
        return error(f"no {function}")


class PeerClient:
    """What a peer does on its end of the stream."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def register(self) -> str:
        message = await self.receive()
        await self.send(MessageType.REGISTERED)
        await self.send(MessageType.READY)
        name: str = chaincode_pb2.ChaincodeID.FromString(message.payload).name
        return name

    async def send(self, kind: MessageType, payload: bytes = b"", tx_id: str = "") -> None:
        message = _Message(type=kind, payload=payload, txid=tx_id, channel_id="energy")
        await self.call.write(message.SerializeToString())

    async def invoke(self, tx_id: str, *args: bytes) -> None:
        payload = chaincode_pb2.ChaincodeInput(args=args).SerializeToString()
        await self.send(MessageType.TRANSACTION, payload, tx_id)

    async def receive(self) -> Any:
        data = await asyncio.wait_for(self.call.read(), DEADLINE_S)
        return _Message.FromString(data)

    async def completed(self) -> Any:
        message = await self.receive()
        assert message.type == MessageType.COMPLETED, message
        return proposal_response_pb2.Response.FromString(message.payload)


@asynccontextmanager
async def dial(port: int, credentials: Any = None) -> AsyncIterator[PeerClient]:
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    address = f"127.0.0.1:{port}"
    channel = (
        grpc.aio.secure_channel(address, credentials, options)
        if credentials
        else grpc.aio.insecure_channel(address, options)
    )
    async with channel:
        yield PeerClient(channel.stream_stream("/protos.Chaincode/Connect")())


@pytest.fixture
async def server() -> AsyncIterator[ChaincodeServer]:
    async with ChaincodeServer(
        Probe(), ServerSettings(chaincode_id="probe:1", address="127.0.0.1:0")
    ) as server:
        yield server


async def test_server_registers_with_whoever_dials(server: ChaincodeServer) -> None:
    async with dial(server.port) as one, dial(server.port) as two:
        assert await one.register() == "probe:1"
        assert await two.register() == "probe:1"
        await one.invoke("tx1", b"get", b"k")
        await two.invoke("tx1", b"get", b"k")
        for peer, value in ((two, b"of two"), (one, b"of one")):
            assert (await peer.receive()).type == MessageType.GET_STATE
            await peer.send(MessageType.RESPONSE, value, "tx1")
            assert (await peer.completed()).payload == value


async def test_peer_that_dials_again_is_served_while_its_old_stream_dies(server: ChaincodeServer) -> None:
    async with dial(server.port) as old:
        await old.register()
        await old.invoke("tx1", b"get", b"k")
        assert (await old.receive()).type == MessageType.GET_STATE
        async with dial(server.port) as new:
            await new.register()
            await new.invoke("tx1", b"get", b"k")
            assert (await new.receive()).type == MessageType.GET_STATE
            old.call.cancel()
            await new.send(MessageType.RESPONSE, b"17", "tx1")
            assert (await new.completed()).payload == b"17"


async def test_bytes_that_are_no_message_end_one_stream_only(server: ChaincodeServer) -> None:
    async with dial(server.port) as good, dial(server.port) as bad:
        await good.register()
        await bad.receive()
        await bad.call.write(b"\xff\xff\xff")
        assert await bad.call.code() is grpc.StatusCode.INVALID_ARGUMENT
        await good.invoke("tx1", b"bytes", b"3")
        assert (await good.completed()).payload == bytes(3)


async def test_messages_of_many_megabytes_pass(server: ChaincodeServer) -> None:
    size = 30_000_000
    async with dial(server.port) as peer:
        await peer.register()
        await peer.invoke("tx1", b"bytes", str(size).encode(), bytes(size))
        assert len((await peer.completed()).payload) == size


async def test_answer_beyond_the_limit_is_an_error_and_the_stream_lives(server: ChaincodeServer) -> None:
    async with dial(server.port) as peer:
        await peer.register()
        await peer.invoke("tx1", b"bytes", str(100 * 1024 * 1024).encode())
        assert (await peer.receive()).type == MessageType.ERROR
        await peer.invoke("tx2", b"bytes", b"1")
        assert (await peer.completed()).payload == bytes(1)


async def test_port_that_is_taken_is_a_coded_error(server: ChaincodeServer) -> None:
    second = ChaincodeServer(
        Probe(), ServerSettings(chaincode_id="probe:2", address=f"127.0.0.1:{server.port}")
    )

    with pytest.raises(ConfigError):
        await second.start()


async def test_stop_waits_for_what_runs_and_refuses_what_comes() -> None:
    server = ChaincodeServer(Probe(), ServerSettings(chaincode_id="probe:1", address="127.0.0.1:0"))
    await server.start()
    async with dial(server.port) as peer:
        await peer.register()
        await peer.invoke("tx1", b"get", b"k")
        assert (await peer.receive()).type == MessageType.GET_STATE
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        await peer.invoke("tx2", b"get", b"k")
        refused = await peer.receive()
        assert (refused.type, refused.txid) == (MessageType.ERROR, "tx2")
        await peer.send(MessageType.RESPONSE, b"17", "tx1")
        assert (await peer.completed()).payload == b"17"
        await asyncio.wait_for(stopping, DEADLINE_S)


async def test_stop_does_not_wait_longer_than_its_grace() -> None:
    server = ChaincodeServer(Probe(), ServerSettings(chaincode_id="probe:1", address="127.0.0.1:0"))
    await server.start()
    async with dial(server.port) as peer:
        await peer.register()
        await peer.invoke("tx1", b"get", b"k")
        assert (await peer.receive()).type == MessageType.GET_STATE
        await asyncio.wait_for(server.stop(grace_s=0.1), DEADLINE_S)
    await server.stop()


async def test_process_ends_on_sigterm_after_what_runs(tmp_path: Path) -> None:
    (tmp_path / "probe_chaincode.py").write_text(
        "from gridledger.shim import success\n"
        "class Probe:\n"
        "    async def invoke(self, stub):\n"
        "        return success(await stub.get_state('k') or b'')\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "CHAINCODE_ID": "probe:3",
        "CHAINCODE_SERVER_ADDRESS": f"127.0.0.1:{port}",
        "PYTHONPATH": str(tmp_path),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gridledger.shim", "probe_chaincode:Probe", env=environment
    )
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await asyncio.wait_for(channel.channel_ready(), DEADLINE_S)
            peer = PeerClient(channel.stream_stream("/protos.Chaincode/Connect")())
            assert await peer.register() == "probe:3"
            await peer.invoke("tx1")
            assert (await peer.receive()).type == MessageType.GET_STATE
            process.send_signal(signal.SIGTERM)
            await peer.send(MessageType.RESPONSE, b"17", "tx1")
            assert (await peer.completed()).payload == b"17"
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


# --- TLS


@dataclass
class Authority:
    """A certificate authority of one key."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, name: str) -> Authority:
        return cls(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            ec.generate_private_key(ec.SECP256R1()),
        )

    def certify(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_root: bool = False) -> bytes:
        start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        certificate = (
            x509.CertificateBuilder(
                self.name,
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
                key.public_key(),
                x509.random_serial_number(),
                start,
                start + dt.timedelta(days=1),
            )
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def root(self) -> bytes:
        name = self.name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        assert isinstance(name, str)
        return self.certify(name, self.key, is_root=True)

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """Return key and certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return pem, self.certify(name, key)


@pytest.fixture
def make_tls(tmp_path: Path) -> Callable[..., TlsSettings]:
    """Return a function that writes a chaincode's TLS files."""

    def make(authority: Authority, client_ca: Authority | None = None) -> TlsSettings:
        key, certificate = authority.issue("chaincode")
        files = {"key.pem": key, "cert.pem": certificate, "ca.pem": (client_ca or authority).root}
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return TlsSettings(
            certificate=tmp_path / "cert.pem",
            private_key=tmp_path / "key.pem",
            client_ca=tmp_path / "ca.pem" if client_ca else None,
        )

    return make


def tls_server(tls: TlsSettings) -> ChaincodeServer:
    return ChaincodeServer(Probe(), ServerSettings(chaincode_id="probe:4", address="127.0.0.1:0", tls=tls))


async def test_tls_is_spoken_with_the_servers_certificate(make_tls: MakeTls) -> None:
    authority = Authority.make("chaincode CA")
    credentials = grpc.ssl_channel_credentials(authority.root)
    async with tls_server(make_tls(authority)) as server, dial(server.port, credentials) as peer:
        assert await peer.register() == "probe:4"


async def test_tls_client_certificate_is_demanded_and_checked(make_tls: MakeTls) -> None:
    authority, peers, others = (Authority.make(name) for name in ("chaincode CA", "peer CA", "other CA"))
    async with tls_server(make_tls(authority, peers)) as server:
        key, certificate = peers.issue("peer0")
        credentials = grpc.ssl_channel_credentials(authority.root, key, certificate)
        async with dial(server.port, credentials) as peer:
            assert await peer.register() == "probe:4"
        key, certificate = others.issue("peer0")
        for refused in (
            grpc.ssl_channel_credentials(authority.root),
            grpc.ssl_channel_credentials(authority.root, key, certificate),
        ):
            async with dial(server.port, refused) as peer:
                assert await peer.call.code() is grpc.StatusCode.UNAVAILABLE


async def test_plain_text_is_refused_by_a_tls_server(make_tls: MakeTls) -> None:
    authority = Authority.make("chaincode CA")
    async with tls_server(make_tls(authority)) as server, dial(server.port) as peer:
        assert await peer.call.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem", "ca.pem"])
async def test_tls_files_that_do_not_fit_are_a_coded_error(
    make_tls: MakeTls, tmp_path: Path, broken: str
) -> None:
    tls = make_tls(Authority.make("chaincode CA"), Authority.make("peer CA"))
    (tmp_path / broken).write_bytes(b"nothing of the kind")

    with pytest.raises(ConfigError):
        await tls_server(tls).start()
