"""The one session that this process has with a PKCS#11 token: who logs in is the process.

python-pkcs11 is imported when a token is first used (extra `pkcs11`).
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from gridledger.client.token_errors import PinRefused, TokenError, TokenKeyMissing, TokenMissing
from gridledger.client.token_uri import TokenUri
from gridledger.model.errors import ConfigError

if TYPE_CHECKING:
    import pkcs11

__all__ = ["MODULE_VARIABLE", "PIN_FILE_VARIABLE", "PIN_VARIABLE", "TokenSession", "read_pin"]

T = TypeVar("T")

MODULE_VARIABLE: Final = "GRIDLEDGER_PKCS11_MODULE"
"""The module that speaks to tokens, where the URI names none."""
PIN_FILE_VARIABLE: Final = "GRIDLEDGER_PKCS11_PIN_FILE"
"""File that holds the PIN, where the URI names none."""
PIN_VARIABLE: Final = "GRIDLEDGER_PKCS11_PIN"
"""The PIN itself, where no file is named."""

_MOST_PIN_BYTES: Final = 256
_KEY_BYTES: Final = 32
_P256_PARAMETERS: Final = bytes.fromhex("06082a8648ce3d030107")
"""DER of the name of P-256 (RFC 5480, section 2.1.1.1)."""
_POINT_HEAD: Final = b"\x04\x41"
"""DER of a string of 65 bytes: how tokens give an uncompressed point of P-256."""

_lock = threading.Lock()
_sessions: dict[tuple[str, ...], TokenSession] = {}


def read_pin(uri: TokenUri) -> str:
    """Return the PIN from the file that the URI names, else from the environment.

    Raises
    ------
    ConfigError
        When there is none, or the file cannot be read; the message holds nothing of it.
    """
    named = uri.pin_file or (Path(path) if (path := os.environ.get(PIN_FILE_VARIABLE)) else None)
    if named is None:
        pin = os.environ.get(PIN_VARIABLE, "")
        if not pin:
            raise ConfigError(
                f"there is none: name a file by pin-source or {PIN_FILE_VARIABLE}, or set {PIN_VARIABLE}",
                key="pin",
                source=uri.source,
            )
        return pin
    try:
        with named.open("rb") as file:
            data = file.read(_MOST_PIN_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="pin", source=str(named)) from error
    try:
        pin = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError("want text", key="pin", source=str(named)) from None
    if not pin or len(data) > _MOST_PIN_BYTES:
        raise ConfigError("want one line with a PIN", key="pin", source=str(named))
    return pin


class TokenSession:
    """What a process asks a token; made by `of`, used by any number of threads one after the other."""

    def __init__(self, uri: TokenUri, module: str) -> None:
        self._uri = uri
        self._module = module
        self._lock = threading.RLock()
        self._session: pkcs11.Session | None = None
        self._pin_digest = b""
        self._refused: set[bytes] = set()

    def __repr__(self) -> str:
        return f"TokenSession({self._uri.token_name!r})"

    @classmethod
    def of(cls, uri: TokenUri) -> TokenSession:
        """Return this process's session with the token of a URI; nothing is opened.

        Raises
        ------
        ConfigError
            When nobody says which module speaks to it.
        """
        module = str(uri.module_path or os.environ.get(MODULE_VARIABLE, ""))
        if not module:
            raise ConfigError(
                f"there is none: name it by module-path or {MODULE_VARIABLE}",
                key="pkcs11 module",
                source=uri.source,
            )
        key = (module, *(str(one or "") for one in (uri.token, uri.serial, uri.manufacturer, uri.model)))
        with _lock:
            return _sessions.setdefault(key, cls(uri, module))

    def find(self, uri: TokenUri, pin: str) -> tuple[Any, ec.EllipticCurvePublicKey | None]:
        """Return a private key's handle, and its public key where the token keeps that, too.

        Raises
        ------
        TokenError
            When the token cannot be opened, or has no such key, or more than one.
        """
        return self._do("find the key", pin, lambda session: self._find(session, uri))

    def generate(self, label: str, pin: str) -> tuple[bytes, ec.EllipticCurvePublicKey]:
        """Make a key on P-256 that the token does not give out.

        Parameters
        ----------
        label : str
            The key's label (CKA_LABEL).
        pin : str
            Opens the token.

        Returns
        -------
        bytes
            The key's identifier (CKA_ID): SHA-1 of the point, unless Fabric's convention says otherwise.
        EllipticCurvePublicKey
            Its public key.

        Raises
        ------
        TokenError
            When the token refuses.
        """
        return self._do("make a key", pin, lambda session: self._generate(session, label))

    def sign(self, key: Any, digest: bytes, pin: str) -> bytes:
        """Sign a digest; r and s, 32 bytes each."""
        import pkcs11

        signature = self._do("sign", pin, lambda _: bytes(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)))
        if len(signature) != 2 * _KEY_BYTES:
            raise TokenError(f"gave {len(signature)} bytes for a signature", token=self._uri.token_name)
        return signature

    def _find(self, session: pkcs11.Session, uri: TokenUri) -> tuple[Any, ec.EllipticCurvePublicKey | None]:
        import pkcs11

        named = {
            key: value
            for key, value in ((pkcs11.Attribute.LABEL, uri.object), (pkcs11.Attribute.ID, uri.id))
            if value is not None
        }
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, **named}
        found = list(session.get_objects({**wanted, pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC}))
        if len(found) != 1:
            raise TokenKeyMissing(
                f"has {len(found)} private keys of elliptic curves as {uri}", token=uri.token_name
            )
        key: Any = found[0]
        points = list(
            session.get_objects(
                {
                    pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
                    pkcs11.Attribute.ID: key[pkcs11.Attribute.ID],
                }
            )
        )
        return key, self._point(points[0]) if len(points) == 1 else None

    def _generate(self, session: pkcs11.Session, label: str) -> tuple[bytes, ec.EllipticCurvePublicKey]:
        import pkcs11

        taken = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.LABEL: label}
        if list(session.get_objects(taken)):
            raise TokenError(f"has a key {label!r} already", token=self._uri.token_name)
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: _P256_PARAMETERS}, local=True
        )
        public, private = parameters.generate_keypair(
            store=True,
            label=label,
            # Until the point is known; two keys are never made under one.
            id=os.urandom(_KEY_BYTES),
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
            private_template={
                pkcs11.Attribute.SENSITIVE: True,
                pkcs11.Attribute.EXTRACTABLE: False,
                pkcs11.Attribute.PRIVATE: True,
            },
        )
        point = self._point(public)
        # Fabric finds a key by the SHA-256 of its point, which it calls SKI.
        identifier = hashlib.sha256(_uncompressed(point)).digest()
        for one in (public, private):
            one[pkcs11.Attribute.ID] = identifier
        return identifier, point

    def _point(self, public: Any) -> ec.EllipticCurvePublicKey:
        import pkcs11

        data = bytes(public[pkcs11.Attribute.EC_POINT])
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(), data.removeprefix(_POINT_HEAD)
            )
        except ValueError as error:
            raise TokenKeyMissing("has a key that is not on P-256", token=self._uri.token_name) from error

    def _do(self, what: str, pin: str, work: Callable[[pkcs11.Session], T]) -> T:
        """Do something in the session; one that the token ended is opened anew by the next call."""
        from pkcs11 import exceptions

        with self._lock:
            session = self._open(pin)
            try:
                return work(session)
            except exceptions.PKCS11Error as error:
                self._session = None
                gone = isinstance(
                    error,
                    exceptions.DeviceRemoved
                    | exceptions.TokenNotPresent
                    | exceptions.SessionHandleInvalid
                    | exceptions.SessionClosed
                    | exceptions.ObjectHandleInvalid
                    | exceptions.KeyHandleInvalid,
                )
                kind = TokenMissing if gone else TokenError
                raise kind(f"did not {what}: {_name(error)}", token=self._uri.token_name) from error

    def _open(self, pin: str) -> pkcs11.Session:
        try:
            import pkcs11
            from pkcs11 import exceptions
        except ImportError as error:
            raise ConfigError(
                "python-pkcs11 is not installed: pip install 'gridledger[pkcs11]'",
                key="pkcs11",
                source=self._uri.source,
            ) from error

        digest = hashlib.sha256(pin.encode()).digest()
        name = self._uri.token_name
        if digest in self._refused:
            raise PinRefused("did not open to this PIN before; it is not tried again", token=name)
        if self._session is not None:
            if digest != self._pin_digest:
                raise PinRefused("is open to this process by another PIN", token=name)
            return self._session
        try:
            token = self._token(pkcs11.lib(self._module))
            self._session = token.open(rw=True, user_pin=pin)
        except (exceptions.NoSuchToken, exceptions.TokenNotPresent, exceptions.DeviceRemoved) as error:
            raise TokenMissing("is not there", token=name) from error
        except exceptions.MultipleTokensReturned as error:
            raise TokenMissing("is there more than once: name its serial number", token=name) from error
        except (
            exceptions.PinIncorrect,
            exceptions.PinInvalid,
            exceptions.PinLenRange,
            exceptions.PinLocked,
            exceptions.PinExpired,
        ) as error:
            self._refused.add(digest)
            raise PinRefused(f"does not open: {_name(error)}", token=name) from error
        except exceptions.UserAlreadyLoggedIn:
            self._session = token.open(rw=True)
        except exceptions.PKCS11Error as error:
            kind = TokenError if _name(error) != "PKCS11Error" else TokenMissing
            raise kind(f"does not open: {error or _name(error)}", token=name) from error
        self._pin_digest = digest
        return self._session

    def _token(self, library: Any) -> Any:
        wanted = {
            "token_label": self._uri.token,
            "token_serial": self._uri.serial.encode() if self._uri.serial else None,
        }
        return library.get_token(**{key: value for key, value in wanted.items() if value is not None})


def _uncompressed(key: ec.EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _name(error: Exception) -> str:
    return type(error).__name__
