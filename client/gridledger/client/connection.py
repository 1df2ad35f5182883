"""Where a gateway is, how it proves who it is, and as whom to speak."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from pathlib import Path

from gridledger.client.pem import Pem
from gridledger.model.errors import ConfigError, FieldValue

__all__ = ["Connection"]

# A file larger than this is no connection; it is not read.
_MAX_FILE_BYTES = 1 << 20
_PEM_KEYS = ("tls_root_cert", "certificate", "private_key", "tls_client_certificate", "tls_client_key")


@dataclass(frozen=True)
class Connection:
    """What `gridledger network connection` prints: all that a program needs to speak through a gateway.

    PEM material is given as a path, which is read when the gateway is opened, or as `Pem` itself.

    Raises
    ------
    ConfigError
        When a field is missing or wrong; it names all such fields, and no secret.

    Examples
    --------
    >>> connection = Connection(endpoint="127.0.0.1:7051", msp_id="Org1MSP", certificate=Path("user.pem"))
    >>> connection.uses_tls
    False
    >>> Connection(endpoint="127.0.0.1", msp_id="", certificate=Path("user.pem"))
    Traceback (most recent call last):
    gridledger.model.errors.ConfigError: GL-CFG-001 endpoint, msp_id (Connection): want host:port; want a name
    """

    _: KW_ONLY

    endpoint: str
    """Host and port of the gateway peer, such as ``127.0.0.1:7051``."""

    msp_id: str
    """MSP that the identity belongs to."""

    certificate: Path | Pem
    """Certificate of the identity, PEM."""

    private_key: Path | Pem | None = field(default=None, repr=False)
    """Private key of the identity, PEM, or where it lies in a token; none when others sign."""

    tls_root_cert: Path | Pem | None = None
    """Certificates that the gateway's TLS certificate must lead to, PEM; none when there is no TLS."""

    tls_host_override: str | None = None
    """Name to look for in the gateway's TLS certificate in place of the endpoint's host."""

    tls_client_certificate: Path | Pem | None = None
    """TLS certificate to show where the gateway asks for one, PEM."""

    tls_client_key: Path | Pem | None = field(default=None, repr=False)
    """Key of `tls_client_certificate`, PEM."""

    channel: str | None = None
    """Channel that `Gateway.network` takes when none is named."""

    chaincode: str | None = None
    """Chaincode that `Network.contract` takes when none is named."""

    source: str = field(default="Connection", compare=False, repr=False)
    """Where it came from, for error messages."""

    def __post_init__(self) -> None:
        problems: dict[str, str] = {}
        if not _is_endpoint(self.endpoint):
            problems["endpoint"] = "want host:port"
        if not _is_name(self.msp_id):
            problems["msp_id"] = "want a name"
        for key in ("tls_host_override", "channel", "chaincode"):
            value = getattr(self, key)
            if value is not None and not _is_name(value):
                problems[key] = "want a name, or nothing"
        for key in _PEM_KEYS:
            value = getattr(self, key)
            if not isinstance(value, Path | Pem) and (value is not None or key == "certificate"):
                problems[key] = "want a path or a Pem"
        if (self.tls_client_certificate is None) != (self.tls_client_key is None):
            problems["tls_client_key"] = "goes together with tls_client_certificate"
        if self.tls_root_cert is None and (self.tls_host_override or self.tls_client_certificate):
            problems["tls_root_cert"] = "is missing, while other TLS settings are given"
        self._refuse(problems)

    def _refuse(self, problems: Mapping[str, str]) -> None:
        if not problems:
            return
        public = [key for key in problems if key not in _PEM_KEYS]
        values: dict[str, FieldValue] = {key: repr(getattr(self, key))[:80] for key in public}
        raise ConfigError(
            "; ".join(problems.values()), key=", ".join(problems), source=self.source, value=values
        )

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted and the gateway has to prove its name."""
        return self.tls_root_cert is not None

    @classmethod
    def from_file(cls, path: Path | str) -> Connection:
        """Read the JSON that `gridledger network connection --json` prints.

        Parameters
        ----------
        path : Path or str
            File; relative paths inside it start from its folder.

        Raises
        ------
        ConfigError
            When the file cannot be read or is no such JSON.
        """
        file = Path(path)
        try:
            if file.stat().st_size > _MAX_FILE_BYTES:
                raise ConfigError("is too large for a connection", key="connection", source=str(file))
            text = file.read_text("utf-8")
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key="connection", source=str(file)
            ) from error
        except UnicodeDecodeError:
            raise ConfigError("want UTF-8", key="connection", source=str(file)) from None
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            # Not chained: the parser's error carries the whole text.
            raise ConfigError("want JSON", key="connection", source=str(file)) from None
        return cls.from_values(values, source=str(file), folder=file.parent)

    @classmethod
    def from_values(
        cls, values: object, *, source: str = "Connection", folder: Path | None = None
    ) -> Connection:
        """Build it from parsed JSON.

        Parameters
        ----------
        values : object
            A mapping with the names of the fields; null counts as absent.
        source : str, optional
            Where it came from, for error messages.
        folder : Path, optional
            Where relative paths start; the working directory by default.

        Raises
        ------
        ConfigError
            When a key is unknown, missing or of the wrong type.
        """
        if not isinstance(values, Mapping):
            raise ConfigError("want a JSON object", key="connection", source=source)
        known = {one.name: one for one in fields(cls) if one.name != "source"}
        unknown = sorted(str(key)[:40] for key in values if key not in known)
        if unknown:
            raise ConfigError("no such setting", key=", ".join(unknown), source=source)
        given = {key: value for key, value in values.items() if value is not None}
        missing = [key for key in ("endpoint", "msp_id", "certificate") if key not in given]
        if missing:
            raise ConfigError("is missing", key=", ".join(missing), source=source)
        wrong = [key for key, value in given.items() if not isinstance(value, str) or not value]
        if wrong:
            raise ConfigError("want text", key=", ".join(wrong), source=source)
        for key in _PEM_KEYS:
            if key in given:
                if "\0" in given[key]:
                    raise ConfigError("want a path", key=key, source=source)
                given[key] = (folder or Path()) / given[key]
        return cls(**given, source=source)

    def read(self, key: str) -> bytes | None:
        """Read the PEM of a field.

        Parameters
        ----------
        key : str
            Name of a field that holds a path or a `Pem`.

        Returns
        -------
        bytes or None
            None where the field holds nothing.

        Raises
        ------
        ConfigError
            When the file cannot be read.
        """
        value = getattr(self, key)
        if isinstance(value, Pem):
            return value.content
        if value is None:
            return None
        try:
            return bytes(value.read_bytes())
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key=key, source=self.source, value=str(value)
            ) from error


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _is_endpoint(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return False
    host, _, port = value.rpartition(":")
    return (
        bool(host) and "/" not in host and port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= 65535
    )
