"""Where a dataset lies, and how that is sealed: for whoever has its key, for a grantee, for a custodian.

    location   {"path":…,"schema":"lake-location/1","store":…}, canonical
    version    Seal(dataset key, location, "gridledger/location/1" ‖ 0x00 ‖ number (8 bytes))
    grant      HPKE, info "gridledger/grant-location/1" ‖ 0x00 ‖ digest of the decision (32) ‖ epoch (8)
    custody    HPKE, info "gridledger/custody/1" ‖ 0x00 ‖ root (32) ‖ number (8) ‖ dataset identifier, over
               custody key (32) ‖ location of the custody file

lake/LAYOUT.md, 3.9, has the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import StringConstraints

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.sealing import open_seal, seal
from gridledger.crypto.secret_key import KEY_BYTES, SecretKey
from gridledger.crypto.wrapping import RecipientKey, RecipientSecret, open_sealed, seal_to
from gridledger.lake.errors import Malformed, NotGranted
from gridledger.lake.paths import DATASETS, named
from gridledger.model.dataset import DatasetIdentifier, VersionStatement
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError, ModelError
from gridledger.model.record import Record, record
from gridledger.model.sharing import AccessDecision, Grant, SealedKey

__all__ = ["Custody", "LakeLocation", "hand_over", "open_custody", "seal_custody", "take_over"]

_VERSION: Final = b"gridledger/location/1\x00"
_GRANT: Final = b"gridledger/grant-location/1\x00"
_CUSTODY: Final = b"gridledger/custody/1\x00"


@record("lake-location/1")
class LakeLocation(Record):
    """A place in a store."""

    store: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    """The store's address."""
    path: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """Of a dataset's folder, of a version without its generation, or of a file."""

    def dataset(self) -> bytes:
        """Return the lake's identifier of the dataset whose folder this is; raises Malformed."""
        folder, _, name = self.path.rpartition("/")
        identifier = named(name)
        if folder != DATASETS or identifier is None:
            raise Malformed("the location is no dataset's folder")
        return identifier

    def of_version(self, number: int) -> LakeLocation:
        """Return the location of a version in this folder."""
        return LakeLocation(store=self.store, path=f"{self.path}/{number}")

    def seal(self, key: DatasetKey, number: int) -> bytes:
        """Seal the location of a version with its dataset's key."""
        return seal(key.secret.reveal(), self.to_bytes(), _VERSION + number.to_bytes(8, "big"))

    @classmethod
    def open(cls, sealed: bytes, key: DatasetKey, number: int) -> LakeLocation:
        """Open what `seal` sealed; raises SealBroken or Malformed."""
        return _read(open_seal(key.secret.reveal(), sealed, _VERSION + number.to_bytes(8, "big")))


@dataclass(frozen=True, kw_only=True)
class Custody:
    """What a custodian is told: where the list of a version's frames lies, and the key that opens it."""

    location: LakeLocation
    key: SecretKey


def hand_over(
    decision: AccessDecision, recipient: RecipientKey, key: DatasetKey, folder: LakeLocation
) -> SealedKey:
    """Seal a dataset's key and folder to whom a decision admits.

    Parameters
    ----------
    decision : AccessDecision
        Neither opens for another one.
    recipient : RecipientKey
        The decision's.
    key : DatasetKey
    folder : LakeLocation
        The dataset's folder.
    """
    return SealedKey(
        epoch=key.epoch,
        wrapped_key=key.wrap(recipient, subject=decision.digest),
        location=seal_to(folder.to_bytes(), recipient, info=_grant_info(decision, key.epoch)),
    )


def take_over(
    decision: AccessDecision, grant: Grant, secret: RecipientSecret
) -> tuple[DatasetKey, LakeLocation]:
    """Open what was handed over: the dataset key, and the dataset's folder.

    Raises
    ------
    NotGranted
        It was sealed to somebody else or for another decision, or nothing was handed over.
    """
    sealed = grant.sealed
    if sealed is None:
        raise NotGranted("nothing was handed over for this request", request=decision.id)
    try:
        folder = _read(open_sealed(sealed.location, secret, info=_grant_info(decision, sealed.epoch)))
        key = DatasetKey.unwrap(
            sealed.wrapped_key,
            secret,
            dataset=folder.dataset(),
            epoch=sealed.epoch,
            subject=decision.digest,
        )
    except (CryptoError, Malformed) as error:
        raise NotGranted("the grant does not open with this key", request=decision.id) from error
    return key, folder


def seal_custody(
    custody: Custody, custodian: RecipientKey, *, dataset: DatasetIdentifier, number: int, root: Digest
) -> bytes:
    """Seal to a custodian where the frames of a version are listed."""
    text = custody.key.reveal() + custody.location.to_bytes()
    return seal_to(text, custodian, info=_custody_info(dataset, number, root))


def open_custody(statement: VersionStatement, secret: RecipientSecret) -> Custody:
    """Open what an owner sealed to this custodian.

    Raises
    ------
    NotGranted
        It was sealed to somebody else or for another version.
    """
    info = _custody_info(statement.dataset, statement.number, statement.root)
    try:
        text = open_sealed(statement.custody, secret, info=info)
        return Custody(location=_read(text[KEY_BYTES:]), key=SecretKey(text[:KEY_BYTES]))
    except (CryptoError, Malformed) as error:
        raise NotGranted("the custody does not open with this key", version=statement.number) from error


def _grant_info(decision: AccessDecision, epoch: int) -> bytes:
    return _GRANT + decision.digest.raw + epoch.to_bytes(8, "big")


def _custody_info(dataset: DatasetIdentifier, number: int, root: Digest) -> bytes:
    return _CUSTODY + root.raw + number.to_bytes(8, "big") + str(dataset).encode("ascii")


def _read(text: bytes) -> LakeLocation:
    try:
        return LakeLocation.from_bytes(text)
    except ModelError as error:
        raise Malformed("what was sealed is no location") from error
