"""Where a certificate authority answers, and how it proves who it is."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gridledger.client.pem import Pem
from gridledger.model.errors import ConfigError

__all__ = ["CaAddress"]

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_NAME: Final = 255


@dataclass(frozen=True)
class CaAddress:
    """A Fabric CA server, and the authority in it.

    Raises
    ------
    ConfigError
        When the address is no origin, or secrets would travel in the clear.

    Examples
    --------
    >>> CaAddress(url="https://ca.example:7054").url
    'https://ca.example:7054'
    """

    _: KW_ONLY

    url: str
    """``https://host:port``; ``http`` on this machine only."""

    name: str = ""
    """Which of the server's authorities; its first by default."""

    tls_root_cert: Path | Pem | None = None
    """Certificates that the server's TLS certificate must lead to, PEM; those of the system by default."""

    source: str = field(default="CaAddress", compare=False, repr=False)
    """Where it came from, for error messages."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except (ValueError, AttributeError, TypeError):
            host, port, parts = None, None, urlsplit("")
        if (
            parts.scheme not in {"http", "https"}
            or not host
            or port == 0
            or parts.username is not None
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            # Without its value: a user's secret may stand in it.
            raise ConfigError("want https://host:port", key="url", source=self.source)
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ConfigError(
                "want https: secrets would travel in the clear", key="url", source=self.source, value=self.url
            )
        if not isinstance(self.name, str) or len(self.name) > _LONGEST_NAME or not self.name.isprintable():
            raise ConfigError("want the name of a certificate authority", key="name", source=self.source)

    def read_tls_roots(self) -> bytes | None:
        """Return the TLS roots, PEM; None where the system's count.

        Raises
        ------
        ConfigError
            When the file cannot be read.
        """
        if self.tls_root_cert is None or isinstance(self.tls_root_cert, Pem):
            return self.tls_root_cert.content if self.tls_root_cert is not None else None
        try:
            return self.tls_root_cert.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}",
                key="tls_root_cert",
                source=self.source,
                value=str(self.tls_root_cert),
            ) from error
