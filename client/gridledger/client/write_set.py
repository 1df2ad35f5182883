"""What a transaction writes to public state, key by key."""

from __future__ import annotations

from dataclasses import dataclass, field

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from google.protobuf.message import DecodeError

from gridledger.model.errors import ModelError

__all__ = ["KeyWrite", "read_writes"]

_MARK = "\x00"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyWrite:
    """One key that a transaction writes or deletes."""

    key: str
    """The key as the peer has it."""

    value: bytes | None = field(repr=False)
    """What stands there afterwards; none if the key is deleted."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Object type and attributes of a composite key; a simple key alone.

        Examples
        --------
        >>> KeyWrite(key="\\x00device\\x0088.1042.17\\x00MTR01\\x00", value=None).parts
        ('device', '88.1042.17', 'MTR01')
        """
        if len(self.key) < 2 or self.key[0] != _MARK or self.key[-1] != _MARK:
            return (self.key,)
        return tuple(self.key[1:-1].split(_MARK))


def read_writes(read_write_set: bytes, chaincode: str) -> tuple[KeyWrite, ...]:
    """Return what a transaction writes below a chaincode, in the order of the keys.

    Parameters
    ----------
    read_write_set : bytes
        `BlockTransaction.read_write_set`, a ``rwset.TxReadWriteSet``.
    chaincode : str
        Name of the chaincode.

    Raises
    ------
    ModelError
        If the bytes are none.

    Notes
    -----
    Only the writes of a transaction whose validation code is `VALID` stand on the ledger. Private data is not
    in it but by hashes.
    """
    try:
        found = rwset_pb2.TxReadWriteSet.FromString(read_write_set)
        public = [one.rwset for one in found.ns_rwset if one.namespace == chaincode]
        writes = [write for data in public for write in kv_rwset_pb2.KVRWSet.FromString(data).writes]
    except DecodeError as error:
        raise ModelError({"read_write_set": "is none"}, subject="KeyWrite") from error
    return tuple(
        KeyWrite(key=write.key, value=None if write.is_delete else bytes(write.value)) for write in writes
    )
