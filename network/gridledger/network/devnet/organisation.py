"""An organisation's peer: its key, its packages, and which chaincodes it can run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fabric_protos.peer.lifecycle import db_pb2

from gridledger.network.devnet import lifecycle_state
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.definition import (
    CHAINCODE_SOURCES,
    LIFECYCLE,
    NAMESPACES,
    ChaincodeDefinition,
    Definitions,
    field_key,
    implicit_collection,
)
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.identity import Identity
from gridledger.network.devnet.installed import InstalledPackage, Packages
from gridledger.network.devnet.lifecycle_state import Entry
from gridledger.network.devnet.rwset import hash_of
from gridledger.network.devnet.simulator import SYSTEM_CHAINCODES
from gridledger.network.devnet.snapshot import Snapshot

__all__ = ["LocalChaincode", "Organisation"]


@dataclass(frozen=True, kw_only=True)
class LocalChaincode:
    """A committed chaincode as one organisation stands to it.

    Parameters
    ----------
    definition : ChaincodeDefinition
        What is committed.
    approved : bool
        Whether the organisation approved exactly that.
    package : InstalledPackage, optional
        The package that it named, if it is installed.
    """

    definition: ChaincodeDefinition
    approved: bool
    package: InstalledPackage | None


class _HashedState:
    """An organisation's approvals, read from a snapshot."""

    def __init__(self, snapshot: Snapshot, msp_id: str) -> None:
        self._snapshot = snapshot
        self._collection = implicit_collection(msp_id)
        self.msp_id = msp_id

    def hash(self, key: str) -> bytes | None:
        found = self._snapshot.hashed(LIFECYCLE, self._collection, hash_of(key))
        return None if found is None else found.value


class Organisation:
    """One organisation with its peer.

    Parameters
    ----------
    msp_id : str
        Its MSP.
    address : str
        Where its peer listens.
    signer : Signer
        The peer's key.
    identity : Identity
        The peer's certificate.
    packages : Packages
        What is installed.
    definitions : Definitions
        What is committed.
    """

    def __init__(
        self,
        *,
        msp_id: str,
        address: str,
        signer: Signer,
        identity: Identity,
        packages: Packages,
        definitions: Definitions,
    ) -> None:
        self.msp_id = msp_id
        self.address = address
        self.signer = signer
        self.identity = identity
        self.packages = packages
        self._definitions = definitions
        self._local: dict[str, tuple[tuple[int, int], LocalChaincode | None]] = {}

    def chaincode(self, snapshot: Snapshot, name: str) -> LocalChaincode | None:
        """Return a chaincode, None if it is not committed."""
        key = (snapshot.lifecycle_height, len(self.packages))
        kept = self._local.get(name)
        if kept is None or kept[0] != key:
            definition = self._definitions.get(snapshot, name)
            if definition is None:
                return None
            kept = self._local[name] = (key, self._read(snapshot, definition))
        return kept[1]

    def _read(self, snapshot: Snapshot, definition: ChaincodeDefinition) -> LocalChaincode:
        fields = {}
        for field in ("EndorsementInfo", "ValidationInfo", "Collections"):
            found = snapshot.state(LIFECYCLE, field_key(NAMESPACES, definition.name, field))
            fields[field] = db_pb2.StateData.FromString(found.value if found and found.value else b"")
        private_name = f"{definition.name}#{definition.sequence}"
        own = _HashedState(snapshot, self.msp_id)
        entry = Entry("ChaincodeParameters", fields)
        approved = not lifecycle_state.differences([own], NAMESPACES, private_name, entry)[self.msp_id]
        source = own.hash(field_key(CHAINCODE_SOURCES, private_name, "PackageID"))
        package = None
        for candidate in self.packages.all():
            data = db_pb2.StateData(String=candidate.package_id).SerializeToString()
            if hashlib.sha256(data).digest() == source:
                package = candidate
        return LocalChaincode(definition=definition, approved=approved, package=package)

    def runs(self, snapshot: Snapshot, name: str) -> bool:
        """Tell whether the organisation's peer can endorse a chaincode's transactions."""
        if name in SYSTEM_CHAINCODES:
            return True
        local = self.chaincode(snapshot, name)
        return local is not None and local.approved and local.package is not None

    def runnable(
        self, snapshot: Snapshot, name: str, channel_id: str
    ) -> tuple[ChaincodeDefinition, InstalledPackage]:
        """Return a chaincode's definition and the package to run it with.

        Raises
        ------
        Refused
            If it is not committed, not approved here, or not installed here.
        """
        local = self.chaincode(snapshot, name)
        if local is None:
            raise Refused(f"chaincode {name} not found")
        if not local.approved:
            raise Refused(
                f"chaincode definition for '{name}' at sequence {local.definition.sequence} on channel "
                f"'{channel_id}' "
                "has not yet been approved by this org"
            )
        if local.package is None:
            raise Refused(f"chaincode definition for '{name}' exists, but chaincode is not installed")
        return local.definition, local.package
