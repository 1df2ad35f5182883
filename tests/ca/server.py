"""Authorities that answer on a port: Fabric's own server where there is one, and the stand-in."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import httpx
from tests.ca.stand_in import ADMIN, ADMIN_SECRET, StandInCa
from tests.prerequisites import missing

from gridledger.client.ca import CaAddress
from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK, free_ports
from gridledger.network.authority import CertificateAuthority
from gridledger.network.fabric.binaries import BINARIES_VARIABLE
from gridledger.network.material import OrganisationMaterial

__all__ = ["CaServer", "find_fabric_ca", "running_fabric_ca", "running_stand_in"]

_NAME: Final = "ca-org1"
_START_S: Final = 120.0
_STOP_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class CaServer:
    """A running authority, whose root is an organisation's."""

    address: CaAddress
    admin: str
    secret: str


def find_fabric_ca() -> Path:
    """Return Fabric's server; the test is skipped where there is none."""
    folder = os.environ.get(BINARIES_VARIABLE) or Path.home() / ".cache" / "gridledger" / "fabric" / "bin"
    program = Path(folder) / "fabric-ca-server"
    if not program.is_file():
        missing("fabric-ca", f"no fabric-ca-server in {folder}: unpack a release of Fabric CA 1.5 there")
    return program


@contextmanager
def running_fabric_ca(organisation: OrganisationMaterial, folder: Path) -> Iterator[CaServer]:
    """Run Fabric's server with an organisation's own signing authority, over TLS."""
    program = find_fabric_ca()
    folder.mkdir(parents=True)
    port = next(free_ports())
    tls_root, certificate, key = _tls(folder)
    root = organisation.path / "ca"
    options = {
        "--home": folder,
        "--port": port,
        "--address": LOOPBACK,
        "--boot": f"{ADMIN}:{ADMIN_SECRET}",
        "--ca.name": _NAME,
        "--ca.certfile": root / f"ca.{organisation.domain}-cert.pem",
        "--ca.keyfile": root / "priv_sk",
        "--tls.certfile": certificate,
        "--tls.keyfile": key,
        "--loglevel": "warning",
    }
    command = [str(program), "start", "--tls.enabled"]
    command += [str(word) for option in options.items() for word in option]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        url = f"https://{LOOPBACK}:{port}"
        _wait_until_up(url, tls_root, process, folder / "log")
        address = CaAddress(url=url, name=_NAME, tls_root_cert=tls_root)
        yield CaServer(address=address, admin=ADMIN, secret=ADMIN_SECRET)
    finally:
        process.terminate()
        process.wait(_STOP_S)


@contextmanager
def running_stand_in(organisation: OrganisationMaterial, folder: Path) -> Iterator[CaServer]:
    """Serve the stand-in with an organisation's own signing authority, over TLS."""
    folder.mkdir(parents=True)
    stand_in = StandInCa(organisation.signing_authority(), _NAME)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, reply = stand_in.answer(
                self.command, self.path, self.headers.get("authorization", ""), body
            )
            self.send_response(status)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls_root, certificate, key = _tls(folder)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"https://{LOOPBACK}:{server.server_address[1]}"
        address = CaAddress(url=url, name=_NAME, tls_root_cert=tls_root)
        yield CaServer(address=address, admin=ADMIN, secret=ADMIN_SECRET)
    finally:
        server.shutdown()
        thread.join(_STOP_S)
        server.server_close()


def _tls(folder: Path) -> tuple[Path, Path, Path]:
    """Make root, certificate and key of the server; where others run the network, its TLS root has no key."""
    authority = CertificateAuthority.create("tlsca", "ca-server")
    root, certificate, key = (folder / f"tls.{name}" for name in ("root", "crt", "key"))
    write_file(root, authority.certificate_pem)
    authority.issue_tls("ca-server", "ca-server", hosts=[LOOPBACK]).save(certificate, key)
    return root, certificate, key


def _wait_until_up(url: str, root: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    context = ssl.create_default_context(cafile=str(root))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    deadline = time.monotonic() + _START_S
    while True:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            if httpx.get(f"{url}/cainfo", verify=context, timeout=10, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.1)
