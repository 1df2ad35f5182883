"""Opening gRPC channels to Fabric's nodes."""

from __future__ import annotations

import hashlib

import grpc
import grpc.aio
from cryptography.hazmat.primitives.serialization import Encoding

from gridledger.client.connection import Connection
from gridledger.crypto.certificate import load_certificate, load_certificates
from gridledger.model.errors import ConfigError

__all__ = ["open_channel", "tls_client_hash"]

# Fabric's nodes accept 100 MiB; gRPC's own limit of 4 MiB would refuse blocks that they send.
_MAX_MESSAGE_BYTES = 100 * 1024 * 1024
_MAX_METADATA_BYTES = 1024 * 1024
_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    # A chaincode's refusal comes in trailers, twice; gRPC's own limit fails calls with more than 8 KiB.
    ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
    # Peers refuse pings more often than once a minute.
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A connection of its own: a shared one would wait, too, while another channel waits to try again.
    ("grpc.use_local_subchannel_pool", 1),
    # A restarted peer is found again within a second, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


def open_channel(connection: Connection) -> grpc.aio.Channel:
    """Open a channel; whoever opens it closes it.

    Parameters
    ----------
    connection : Connection
        Where to, and with which TLS.

    Returns
    -------
    grpc.aio.Channel
        Of the running event loop; it connects with the first call.

    Raises
    ------
    ConfigError
        When TLS material cannot be read.
    """
    options = list(_OPTIONS)
    roots = connection.read("tls_root_cert")
    if roots is None:
        return grpc.aio.insecure_channel(connection.endpoint, options=options)
    try:
        load_certificates(roots)
    except ValueError as error:
        raise ConfigError(
            "want X.509 certificates in PEM", key="tls_root_cert", source=connection.source
        ) from error
    if connection.tls_host_override:
        options.append(("grpc.ssl_target_name_override", connection.tls_host_override))
    credentials = grpc.ssl_channel_credentials(
        root_certificates=roots,
        private_key=connection.read("tls_client_key"),
        certificate_chain=connection.read("tls_client_certificate"),
    )
    return grpc.aio.secure_channel(connection.endpoint, credentials, options=options)


def tls_client_hash(connection: Connection) -> bytes:
    """Return SHA-256 of the TLS client certificate, which peers with mutual TLS want in requests for blocks.

    Raises
    ------
    ConfigError
        When the certificate cannot be read.
    """
    pem = connection.read("tls_client_certificate")
    if pem is None:
        return b""
    try:
        certificate = load_certificate(pem)
    except ValueError as error:
        raise ConfigError(
            "want an X.509 certificate in PEM", key="tls_client_certificate", source=connection.source
        ) from error
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
