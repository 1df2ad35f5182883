"""Validation codes that peers give to ordered transactions."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ValidationCode"]


class ValidationCode(IntEnum):
    """What a peer found when it validated a transaction; only `VALID` ones change the state.

    Notes
    -----
    Names and numbers are those of Fabric's ``TxValidationCode``. A number that this version does not know
    becomes `INVALID_OTHER_REASON`: never valid.
    """

    VALID = 0
    NIL_ENVELOPE = 1
    BAD_PAYLOAD = 2
    BAD_COMMON_HEADER = 3
    BAD_CREATOR_SIGNATURE = 4
    INVALID_ENDORSER_TRANSACTION = 5
    INVALID_CONFIG_TRANSACTION = 6
    UNSUPPORTED_TX_PAYLOAD = 7
    BAD_PROPOSAL_TXID = 8
    DUPLICATE_TXID = 9
    ENDORSEMENT_POLICY_FAILURE = 10
    MVCC_READ_CONFLICT = 11
    PHANTOM_READ_CONFLICT = 12
    UNKNOWN_TX_TYPE = 13
    TARGET_CHAIN_NOT_FOUND = 14
    MARSHAL_TX_ERROR = 15
    NIL_TXACTION = 16
    EXPIRED_CHAINCODE = 17
    CHAINCODE_VERSION_CONFLICT = 18
    BAD_HEADER_EXTENSION = 19
    BAD_CHANNEL_HEADER = 20
    BAD_RESPONSE_PAYLOAD = 21
    BAD_RWSET = 22
    ILLEGAL_WRITESET = 23
    INVALID_WRITESET = 24
    INVALID_CHAINCODE = 25
    NOT_VALIDATED = 254
    INVALID_OTHER_REASON = 255

    @classmethod
    def _missing_(cls, value: object) -> ValidationCode | None:
        return cls.INVALID_OTHER_REASON if isinstance(value, int) else None

    @property
    def is_conflict(self) -> bool:
        """Whether it lost a race, so that a new transaction for the same call may be made."""
        return self in (ValidationCode.MVCC_READ_CONFLICT, ValidationCode.PHANTOM_READ_CONFLICT)
