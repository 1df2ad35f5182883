"""Devnet's connection to a chaincode's server over real sockets: TLS both ways, and other servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2

from gridledger.network.authority import CertificateAuthority
from gridledger.network.devnet.chaincode_link import ChaincodeLink
from gridledger.network.devnet.errors import StreamTerminated
from gridledger.network.devnet.installed import ChaincodeAddress
from gridledger.shim import ChaincodeServer, ChaincodeStub, Response, ServerSettings, TlsSettings, success

_SECONDS = 20.0


class Silent:
    """Answers every transaction with nothing."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        del stub
        return success(b"")


@asynccontextmanager
async def _serving(folder: Path, *, mutual: bool) -> AsyncIterator[ChaincodeAddress]:
    """Run a chaincode's server, and yield what a peer must know of it."""
    authority = CertificateAuthority.create("tlsca", "Release")
    server = authority.issue_tls("keeper", "Release", hosts=["keeper.local"])
    client = authority.issue_tls("peer0", "Release")
    server.save(folder / "server.pem", folder / "server.key")
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    tls = TlsSettings(
        certificate=folder / "server.pem",
        private_key=folder / "server.key",
        client_ca=folder / "ca.pem" if mutual else None,
    )
    settings = ServerSettings(chaincode_id="keeper_1:ab", address="127.0.0.1:0", tls=tls)
    async with ChaincodeServer(Silent(), settings) as running:
        yield ChaincodeAddress(
            address=f"127.0.0.1:{running.port}",
            root_certificate=authority.certificate_pem.decode(),
            client_certificate=client.certificate_pem.decode() if mutual else None,
            client_key=client.key_pem().decode() if mutual else None,
            server_name="keeper.local",
        )


async def _registered(address: ChaincodeAddress) -> str:
    """Return the name that the chaincode registers with."""
    async with asyncio.timeout(_SECONDS):
        link = await ChaincodeLink.dial(address)
        try:
            message = chaincode_shim_pb2.ChaincodeMessage.FromString(await link.first())
        finally:
            link.close()
    return str(chaincode_pb2.ChaincodeID.FromString(message.payload).name)


@pytest.mark.parametrize("mutual", [False, True], ids=["server", "mutual"])
async def test_chaincode_registers_over_tls(tmp_path: Path, mutual: bool) -> None:
    async with _serving(tmp_path, mutual=mutual) as address:
        assert await _registered(address) == "keeper_1:ab"


async def test_chaincode_registers_without_tls() -> None:
    settings = ServerSettings(chaincode_id="keeper_1:ab", address="127.0.0.1:0")
    async with ChaincodeServer(Silent(), settings) as running:
        assert await _registered(ChaincodeAddress(address=f"127.0.0.1:{running.port}")) == "keeper_1:ab"


async def test_server_of_another_authority_is_refused(tmp_path: Path) -> None:
    other = CertificateAuthority.create("tlsca", "Release").certificate_pem.decode()
    async with _serving(tmp_path, mutual=False) as address:
        with pytest.raises(OSError, match="certificate verify failed"):
            await _registered(replace(address, root_certificate=other))


async def test_server_of_another_name_is_refused(tmp_path: Path) -> None:
    async with _serving(tmp_path, mutual=False) as address:
        with pytest.raises(OSError, match="certificate verify failed"):
            await _registered(replace(address, server_name="other.local"))


async def test_peer_without_a_certificate_is_turned_away(tmp_path: Path) -> None:
    async with _serving(tmp_path, mutual=True) as address:
        with pytest.raises((OSError, StreamTerminated)):
            await _registered(replace(address, client_certificate=None, client_key=None))


async def test_chaincode_that_stops_ends_the_link(tmp_path: Path) -> None:
    async with asyncio.timeout(_SECONDS):
        async with _serving(tmp_path, mutual=True) as address:
            link = await ChaincodeLink.dial(address)
            await link.first()
        await link.ended()
        assert "the chaincode is stopping" in link.outcome
        link.close()
