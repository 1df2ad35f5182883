"""Where a chaincode server listens, and under which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gridledger.model.errors import ConfigError

__all__ = ["ServerSettings", "TlsSettings"]

_ENVIRONMENT = "environment"
DEFAULT_TRANSACTION_DEADLINE_S = 300.0
DEFAULT_STOP_GRACE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """Files of a server that speaks TLS, all PEM.

    Parameters
    ----------
    certificate : Path
        The server's certificate chain.
    private_key : Path
        Its key, unencrypted.
    client_ca : Path, optional
        Roots of the peers' client certificates; given, a peer without such a certificate is refused.
    """

    certificate: Path
    private_key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """What a chaincode server needs to know.

    Parameters
    ----------
    chaincode_id : str
        The package id, ``label:hash``, under which peers know the chaincode.
    address : str
        ``host:port`` to listen on; port 0 takes a free one.
    tls : TlsSettings, optional
        Without, the server speaks plain text.
    transaction_deadline_s : float, default 300
        A transaction that runs longer is cancelled; a peer gives up after 30 s by default.
    stop_grace_s : float, default 10
        How long a stopping server waits for running transactions.
    metrics : str, optional
        ``[host:]port`` where Prometheus reads what the process counts.
    """

    chaincode_id: str
    address: str
    tls: TlsSettings | None = None
    transaction_deadline_s: float = DEFAULT_TRANSACTION_DEADLINE_S
    stop_grace_s: float = DEFAULT_STOP_GRACE_S
    metrics: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that Fabric's chaincode-as-a-service examples use, and ours for TLS.

        Parameters
        ----------
        environment : mapping of str to str
            ``CHAINCODE_ID`` and ``CHAINCODE_SERVER_ADDRESS``; for TLS the files ``CHAINCODE_TLS_CERT``,
            ``CHAINCODE_TLS_KEY`` and, to demand client certificates, ``CHAINCODE_TLS_CLIENT_CA``; for metrics
            ``CHAINCODE_METRICS_ADDRESS``.

        Raises
        ------
        ConfigError
            If a variable is missing, half of the TLS pair is, or a file cannot be read.
        """
        certificate = environment.get("CHAINCODE_TLS_CERT", "")
        private_key = environment.get("CHAINCODE_TLS_KEY", "")
        client_ca = environment.get("CHAINCODE_TLS_CLIENT_CA", "")
        tls = None
        if certificate or private_key or client_ca:
            tls = TlsSettings(
                certificate=_file("CHAINCODE_TLS_CERT", certificate),
                private_key=_file("CHAINCODE_TLS_KEY", private_key),
                client_ca=_file("CHAINCODE_TLS_CLIENT_CA", client_ca) if client_ca else None,
            )
        return cls(
            chaincode_id=_required("CHAINCODE_ID", environment),
            address=_required("CHAINCODE_SERVER_ADDRESS", environment),
            tls=tls,
            metrics=environment.get("CHAINCODE_METRICS_ADDRESS") or None,
        )


def _required(key: str, environment: Mapping[str, str]) -> str:
    value = environment.get(key, "")
    if not value:
        raise ConfigError("is not set", key=key, source=_ENVIRONMENT)
    return value


def _file(key: str, path: str) -> Path:
    if not path:
        raise ConfigError("is not set, but another TLS file is", key=key, source=_ENVIRONMENT)
    try:
        Path(path).read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"cannot be read: {exc.strerror}", key=key, source=_ENVIRONMENT, value=path
        ) from exc
    return Path(path)
