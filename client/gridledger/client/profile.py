"""Connection profiles: Fabric's common ones, and the network profiles of fabric-sdk-py (hfc)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from gridledger.client.ca_address import CaAddress
from gridledger.client.connection import Connection
from gridledger.client.credentials import Credentials
from gridledger.client.pem import Pem
from gridledger.model.errors import ConfigError

__all__ = ["ConnectionProfile"]

_MAX_FILE_BYTES = 1 << 20
_MAX_DEPTH = 32
# What the SDKs of several languages have called the same thing.
_HOST_OVERRIDES = ("ssl-target-name-override", "grpc.ssl_target_name_override", "hostnameOverride")


class ConnectionProfile:
    """A network as other SDKs describe it: organisations, their peers and, in hfc's, their users.

    Parameters
    ----------
    values : object
        The parsed document.
    source : str
        Where it came from, for error messages.
    folder : Path
        Where relative paths start.

    Raises
    ------
    ConfigError
        When the document has no organisations or no peers.

    Notes
    -----
    Of a profile only what a gateway client needs is read, and where certificate authorities are; orderers and
    channels are not, nor are registrars' secrets.
    """

    def __init__(self, values: object, *, source: str, folder: Path) -> None:
        self._source = source
        self._folder = folder
        root = self._mapping(values, "profile")
        self._organizations = self._mapping(root.get("organizations"), "organizations")
        self._peers = self._mapping(root.get("peers"), "peers")
        self._authorities = root.get("certificateAuthorities")
        client = root.get("client")
        self._client = self._mapping(client, "client") if client is not None else {}

    @classmethod
    def from_file(cls, path: Path | str, *, folder: Path | None = None) -> ConnectionProfile:
        """Read a profile.

        Parameters
        ----------
        path : Path or str
            JSON when its name ends so, else YAML.
        folder : Path, optional
            Where relative paths inside it start; its own folder by default. hfc starts at its working
            directory.

        Raises
        ------
        ConfigError
            When the file cannot be read or is no profile.
        """
        file = Path(path)
        try:
            with file.open("rb") as opened:
                data = opened.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", key="profile", source=str(file)) from error
        if len(data) > _MAX_FILE_BYTES:
            raise ConfigError("is too large for a profile", key="profile", source=str(file))
        try:
            values = json.loads(data) if file.suffix == ".json" else _read_yaml(data)
        except (ValueError, RecursionError, yaml.YAMLError):
            # Not chained: the parsers' errors quote the text, which may hold keys.
            raise ConfigError("want JSON or YAML", key="profile", source=str(file)) from None
        return cls(values, source=str(file), folder=folder or file.parent)

    @property
    def organizations(self) -> list[str]:
        """Names of the organisations that have peers, sorted."""
        return sorted(
            str(name)
            for name, value in self._organizations.items()
            if isinstance(value, Mapping) and value.get("peers")
        )

    def msp_id(self, organization: str) -> str:
        """Return the MSP of an organisation; ConfigError when the profile does not name it."""
        return self._text(
            self._organization(organization).get("mspid"), f"organizations.{organization}.mspid"
        )

    def peers(self, organization: str) -> list[str]:
        """Return the names of an organisation's peers as listed; ConfigError when there is none."""
        key = f"organizations.{organization}.peers"
        self._first_peer(self._organization(organization), key)
        listed = self._organization(organization).get("peers")
        return [self._text(name, key) for name in (listed if isinstance(listed, list) else [])]

    def users(self, organization: str) -> list[str]:
        """Return the users of an organisation whose certificates the profile names, sorted."""
        users = self._organization(organization).get("users") or {}
        return sorted(map(str, self._mapping(users, f"organizations.{organization}.users")))

    def connection(
        self,
        organization: str | None = None,
        *,
        credentials: Credentials | None = None,
        user: str | None = None,
        peer: str | None = None,
        channel: str | None = None,
        chaincode: str | None = None,
    ) -> Connection:
        """Return the connection to a peer.

        Parameters
        ----------
        organization : str, optional
            Name in the profile; the client's by default.
        credentials : Credentials, optional
            As whom, such as from a `Wallet`.
        user : str, optional
            As whom, by name in the profile (hfc).
        peer : str, optional
            Name in the profile; the organisation's first by default.
        channel, chaincode : str, optional
            See `Connection`.

        Raises
        ------
        ConfigError
            When something is missing or wrong; with both of `credentials` and `user`, or neither.
        """
        if (credentials is None) == (user is None):
            raise ConfigError(
                "want either credentials or a user", key="credentials, user", source=self._source
            )
        name = organization or self._text(self._client.get("organization"), "client.organization")
        entry = self._organization(name)
        msp_id = self._text(entry.get("mspid"), f"organizations.{name}.mspid")
        certificate: Path | Pem
        private_key: Path | Pem
        if credentials is not None:
            if credentials.msp_id != msp_id:
                raise ConfigError(
                    f"belongs to {credentials.msp_id}",
                    key=f"organizations.{name}.mspid",
                    source=self._source,
                    value=msp_id,
                )
            certificate, private_key = Pem(credentials.certificate), credentials.private_key
        else:
            certificate, private_key = self._user(entry, f"organizations.{name}.users", str(user))
        chosen = peer or self._first_peer(entry, f"organizations.{name}.peers")
        key = f"peers.{chosen}"
        endpoint = self._mapping(self._peers.get(chosen), key)
        roots = self._tls_roots(endpoint, key)
        return Connection(
            endpoint=self._address(endpoint, key, uses_tls=roots is not None),
            msp_id=msp_id,
            certificate=certificate,
            private_key=private_key,
            tls_root_cert=roots,
            tls_host_override=self._host_override(endpoint, key) if roots is not None else None,
            channel=channel,
            chaincode=chaincode,
            source=self._source,
        )

    def authority(self, name: str | None = None, *, organization: str | None = None) -> CaAddress:
        """Return where a certificate authority answers.

        Parameters
        ----------
        name : str, optional
            Name in the profile; the first of the organisation's by default.
        organization : str, optional
            Name in the profile; the client's by default.

        Raises
        ------
        ConfigError
            When something is missing or wrong.
        """
        if name is None:
            owner = organization or self._text(self._client.get("organization"), "client.organization")
            key = f"organizations.{owner}.certificateAuthorities"
            listed = self._organization(owner).get("certificateAuthorities")
            if not isinstance(listed, list) or not listed:
                raise ConfigError("want a list with an authority", key=key, source=self._source)
            name = self._text(listed[0], f"{key}.0")
        authorities = self._mapping(self._authorities, "certificateAuthorities")
        key = f"certificateAuthorities.{name}"
        entry = self._mapping(authorities.get(name), key)
        ca_name = entry.get("caName")
        return CaAddress(
            url=self._text(entry.get("url"), f"{key}.url"),
            name="" if ca_name is None else self._text(ca_name, f"{key}.caName"),
            tls_root_cert=self._tls_roots(entry, key),
            source=self._source,
        )

    def _organization(self, name: str) -> Mapping[str, object]:
        return self._mapping(self._organizations.get(name), f"organizations.{name}")

    def _first_peer(self, entry: Mapping[str, object], key: str) -> str:
        peers = entry.get("peers")
        if not isinstance(peers, list) or not peers:
            raise ConfigError("want a list with a peer", key=key, source=self._source)
        return self._text(peers[0], f"{key}.0")

    def _user(self, entry: Mapping[str, object], key: str, user: str) -> tuple[Path | Pem, Path | Pem]:
        users = self._mapping(entry.get("users"), key)
        found = self._mapping(users.get(user), f"{key}.{user}")
        certificate = self._material(found.get("cert"), f"{key}.{user}.cert")
        return certificate, self._material(found.get("private_key"), f"{key}.{user}.private_key")

    def _material(self, value: object, key: str) -> Path | Pem:
        """Return what hfc takes for a user's certificate or key: a path, or an object with path or base64."""
        if not isinstance(value, Mapping):
            return self._path(value, key)
        pem = value.get("pem")
        if pem is None:
            return self._path(value.get("path"), f"{key}.path")
        try:
            return Pem(base64.b64decode(self._text(pem, f"{key}.pem"), validate=True))
        except ValueError:
            raise ConfigError("want base64", key=f"{key}.pem", source=self._source) from None

    def _tls_roots(self, endpoint: Mapping[str, object], key: str) -> Path | Pem | None:
        found = endpoint.get("tlsCACerts")
        if found is None or found == {"path": ""}:
            return None
        roots = self._mapping(found, f"{key}.tlsCACerts")
        pem = roots.get("pem")
        if pem is None:
            return self._path(roots.get("path"), f"{key}.tlsCACerts.path")
        texts = pem if isinstance(pem, list) else [pem]
        return Pem("\n".join(self._text(text, f"{key}.tlsCACerts.pem") for text in texts).encode())

    def _host_override(self, endpoint: Mapping[str, object], key: str) -> str | None:
        options = endpoint.get("grpcOptions")
        if options is None:
            return None
        found = self._mapping(options, f"{key}.grpcOptions")
        for name in _HOST_OVERRIDES:
            if found.get(name) is not None:
                return self._text(found[name], f"{key}.grpcOptions.{name}")
        return None

    def _address(self, endpoint: Mapping[str, object], key: str, *, uses_tls: bool) -> str:
        url = self._text(endpoint.get("url"), f"{key}.url")
        if "://" not in url:
            return url
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ConfigError("want grpcs://host:port", key=f"{key}.url", source=self._source) from error
        if parts.scheme not in ("grpc", "grpcs") or "@" in parts.netloc:
            raise ConfigError("want grpc or grpcs", key=f"{key}.url", source=self._source)
        if (parts.scheme == "grpcs") != uses_tls:
            raise ConfigError(
                "want tlsCACerts with grpcs, and with nothing else",
                key=f"{key}.url",
                source=self._source,
                value=url[:200],
            )
        return parts.netloc

    def _path(self, value: object, key: str) -> Path:
        text = self._text(value, key)
        if "\0" in text:
            raise ConfigError("want a path", key=key, source=self._source)
        return self._folder / text

    def _text(self, value: object, key: str) -> str:
        if not isinstance(value, str) or not value:
            raise ConfigError("want text", key=key, source=self._source)
        return value

    def _mapping(self, value: object, key: str) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            raise ConfigError(
                "is missing" if value is None else "want a mapping", key=key, source=self._source
            )
        return value


def _read_yaml(data: bytes) -> object:
    """Read YAML; ValueError when it is nested too deeply: the parser's time grows with the square of it."""
    depth = 0
    for event in yaml.parse(data, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
    return yaml.safe_load(data)
